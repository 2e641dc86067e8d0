//! An experiment as one typed TOML file.
//!
//! A file starts from a preset (`preset = "laptop"`) and says what differs. Unknown keys are
//! errors. The resolved experiment, every value spelt out, is written beside the results.

mod preset;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hardslice_data::audit::Kind;
use hardslice_data::balance::{Arm, BalanceOptions, FlipMode};
use hardslice_data::manifest::{Layout, PatientPattern, PatientRule};
use hardslice_data::mining::review::{ReviewError, Reviewed};
use hardslice_data::mining::{MiningOptions, Tau};
use hardslice_data::random::Stream;
use hardslice_data::split::{Rule, SplitOptions};
use hardslice_data::store::PrepareOptions;
use hardslice_data::text::TextFile;
use hardslice_data::{Organ, OrganMap, SettingError};
use hardslice_eval::ScoreOptions;
use hardslice_train::net::NetConfig;
use hardslice_train::{PredictOptions, TrainConfig};
use hardslice_volume::{Action, FileError};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;
use toml::de::DeTable;

pub use preset::Preset;

/// Everything that decides an experiment's result, beside the scans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The preset that fills in what the file leaves open.
    pub preset: Preset,
    /// Seed of everything random.
    #[serde(default)]
    pub seed: u64,
    /// Organs to train; all of the cohort's when empty.
    #[serde(default)]
    pub organs: Vec<Organ>,
    /// One net with an output for each organ, instead of one net an organ as in the paper.
    #[serde(default)]
    pub one_net: bool,
    /// The arms to compare.
    pub arms: Vec<Arm>,
    /// Safetensors file to start the weights from.
    #[serde(default)]
    pub init: Option<PathBuf>,
    /// The instruction set to compute on, `avx2+fma` say, on every machine; the best that each has
    /// when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Where the scans are.
    pub cohort: Cohort,
    /// How they become slices.
    #[serde(default)]
    pub prepare: PrepareOptions,
    /// How patients become folds.
    #[serde(default)]
    pub split: SplitOptions,
    /// The net.
    #[serde(default)]
    pub net: NetConfig,
    /// The net that is trained in the end, if it is another one.
    #[serde(default)]
    pub final_net: Option<NetConfig>,
    /// How nets are trained.
    #[serde(default)]
    pub train: TrainConfig,
    /// What makes a slice hard.
    #[serde(default)]
    pub mining: MiningOptions,
    /// Settings of single arms.
    #[serde(default)]
    pub balance: BalanceOptions,
    /// How predictions are finished.
    #[serde(default)]
    pub predict: PredictOptions,
    /// How predictions are scored.
    #[serde(default)]
    pub score: ScoreOptions,
}

/// Where the scans are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    /// A table of scans, or a folder; relative to the experiment's file.
    pub path: PathBuf,
    /// How they lie there.
    #[serde(default)]
    pub layout: Layout,
    /// Which label values make which organ; the cohort's own list where it has one.
    #[serde(default)]
    pub labels: Option<OrganMap>,
    /// Finds the patient in the name of a case, where the cohort names no patients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<PatientPattern>,
    /// A table of cases and their patients, in place of `patient`; relative to the experiment's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patients: Option<PathBuf>,
    /// Label values that nobody has judged, beside those that the cohort calls `ignore`.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "label_values"
    )]
    pub ignore: Vec<u16>,
    /// Errors of the audit that the cohort is used in spite of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<Kind>,
}

/// A list of label values, with a message for what is none.
fn label_values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u16>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "a list of label values from 0 to 65535, as [255], was wanted: label maps hold \
                     numbers, and no names"
    )]
    enum Values {
        Values(Vec<u16>),
    }
    let Values::Values(values) = Values::deserialize(deserializer)?;
    Ok(values)
}

impl Cohort {
    /// Where patients come from whom the cohort does not name.
    pub fn patient_rule(&self) -> Option<PatientRule> {
        let pattern = self.patient.clone().map(PatientRule::Pattern);
        pattern.or_else(|| self.patients.clone().map(PatientRule::Table))
    }
}

/// An experiment's file cannot be used.
#[derive(Debug, Error)]
pub enum ExperimentError {
    /// The verdicts of its reviewers cannot be read.
    #[error(transparent)]
    Reviews(#[from] ReviewError),
    /// It cannot be read, or a path in it not be followed.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not TOML, or a key or value is wrong.
    #[error("the experiment {} is not valid{}", path.display(), written_form(source.message()))]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A path that no text can hold, so that the experiment could not be written down.
    #[error(
        "a path of the experiment is not UTF-8, and the record of the experiment is text: rename the \
         folder or file: {}", path.display()
    )]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// It cannot be written as TOML.
    #[error("the experiment cannot be written as TOML")]
    Write {
        /// Why.
        source: Box<toml::ser::Error>,
    },
    /// A value makes no sense.
    #[error("the experiment {} makes no sense: {message}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
}

impl Experiment {
    /// The seed of trainings: another one in each division into A and B. Arms that show all patients
    /// train on the same slices whatever the division, and would be the same nets.
    pub(crate) fn training_seed(&self) -> u64 {
        match self.split.division {
            0 => self.seed,
            division => Stream::new(self.seed, &format!("division/{division}")).bits(),
        }
    }

    /// Reads an experiment's file.
    ///
    /// # Errors
    ///
    /// [`ExperimentError`] when it cannot be read, has unknown keys or makes no sense.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let TextFile { text, .. } = TextFile::read(path)?;
        let mut experiment = Self::parse(&text, path)?;
        // Paths are relative to the file; resolved, they are not relative to anything.
        let folder = folder_of(path);
        let resolve = |path: &mut PathBuf| {
            let joined = folder.join(&*path);
            *path = std::path::absolute(&joined).map_err(Action::Read.on(&joined))?;
            Ok::<_, FileError>(())
        };
        for path in experiment.paths_mut() {
            resolve(path)?;
        }
        if let Some(mut reviews) = experiment.mining.reviews.take() {
            resolve(&mut reviews)?;
            experiment.mining.reviewed = Reviewed::read(&reviews)?;
        } else if experiment.mining.lacks_reviews() {
            return Err(ExperimentError::Value {
                path: path.to_owned(),
                message: "exclude = [\"reviewed-wrong\"] needs the verdicts: reviews = \
                          \"OUT/review/verdicts.csv\" in [mining], as `hardslice review OUT` writes \
                          them"
                    .to_owned(),
            });
        }
        let mut paths = experiment.paths_mut().into_iter();
        if let Some(path) = paths.find(|path| path.to_str().is_none()) {
            let path = path.clone();
            return Err(ExperimentError::NotUtf8 { path });
        }
        drop(paths);
        Ok(experiment)
    }

    /// Every path that the experiment holds.
    fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let mut paths = vec![&mut self.cohort.path];
        paths.extend(&mut self.cohort.patients);
        paths.extend(&mut self.init);
        match &mut self.split.rule {
            Rule::Table { path } | Rule::NnUnet { path, .. } => paths.push(path),
            Rule::Random { .. }
            | Rule::Lists(_)
            | Rule::KFold { .. }
            | Rule::LeaveOneOut { .. } => {}
        }
        paths
    }

    /// Reads an experiment from text; `path` is for messages.
    ///
    /// # Errors
    ///
    /// As [`Experiment::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ExperimentError> {
        let toml_error = |mut source: toml::de::Error| {
            source.set_input(Some(text));
            ExperimentError::Toml {
                path: path.to_owned(),
                source: Box::new(source),
            }
        };
        let own = DeTable::parse(text).map_err(toml_error)?;
        let place = |error: SettingError| match line_of(&error, own.get_ref(), text) {
            Some(line) => format!("line {line}: {error}"),
            None => error.to_string(),
        };
        let merged =
            preset::with_preset(own.clone()).map_err(|message| ExperimentError::Value {
                path: path.to_owned(),
                message,
            })?;
        let mut experiment =
            Self::deserialize(toml::Deserializer::from(merged)).map_err(toml_error)?;
        // A preset's learning rate is for soft Dice.
        let own_train = own.get_ref().get("train").map(toml::Spanned::get_ref);
        let own_train = own_train.and_then(|train| train.as_table());
        if own_train.is_none_or(|train| !train.contains_key("lr0")) {
            experiment.train.lr0 *= experiment.train.loss.lr0_factor();
        }
        experiment.check().map_err(|error| ExperimentError::Value {
            path: path.to_owned(),
            message: place(error),
        })?;
        Ok(experiment)
    }

    /// The experiment with every value spelt out.
    ///
    /// # Errors
    ///
    /// [`ExperimentError::Write`] when a value has no TOML form, as a path that is not UTF-8.
    pub fn to_toml(&self) -> Result<String, ExperimentError> {
        toml::to_string_pretty(self).map_err(|source| ExperimentError::Write {
            source: Box::new(source),
        })
    }

    /// What decides results, as text: [`Experiment::to_toml`] without how often is saved and how many
    /// scans are read at once, and without the folders in which its files lie, which may be moved, or
    /// named from another folder. What the files hold is known from the store, the folds and the nets.
    ///
    /// # Errors
    ///
    /// As [`Experiment::to_toml`].
    pub fn without_folders(&self) -> Result<String, ExperimentError> {
        let mut experiment = self.clone();
        for path in experiment.paths_mut() {
            *path = path.file_name().map(PathBuf::from).unwrap_or_default();
        }
        let defaults = TrainConfig::default();
        experiment.train.checkpoint_minutes = defaults.checkpoint_minutes;
        experiment.train.keep_checkpoints = defaults.keep_checkpoints;
        experiment.prepare.n_at_once = PrepareOptions::default().n_at_once;
        experiment.to_toml()
    }

    /// Checks every table by itself, then what they have to do with each other.
    fn check(&self) -> Result<(), SettingError> {
        self.net.check("net")?;
        if let Some(net) = &self.final_net {
            net.check("final_net")?;
        }
        self.prepare.check()?;
        self.split.check()?;
        self.balance.check()?;
        self.train.check()?;
        let nsd_tolerance_mm = self.score.nsd_tolerance_mm;
        SettingError::check(
            "score",
            [(
                !nsd_tolerance_mm.is_finite() || nsd_tolerance_mm < 0.0,
                "nsd_tolerance_mm must be 0 or more",
            )],
        )?;
        SettingError::check(
            "cohort",
            [
                (
                    self.cohort.patient.is_some() && self.cohort.patients.is_some(),
                    "patient and patients both say whose scans they are: give one of them",
                ),
                (
                    !self.cohort.accept.iter().all(|kind| kind.can_be_accepted()),
                    "accept cannot hold organ_without_value, the organ would be missing in those \
                     scans: say in labels which value it has",
                ),
            ],
        )?;
        let has_no_flips = self.train.flip_mode == FlipMode::None;
        SettingError::check(
            "predict",
            [(
                self.predict.flip_averaging && has_no_flips,
                "flip_averaging has nothing to average over with copies = \"none\" in [train]",
            )],
        )?;
        self.check_arms()
    }

    /// Checks that every arm can be trained with the other settings.
    fn check_arms(&self) -> Result<(), SettingError> {
        let named: BTreeSet<&Arm> = self.arms.iter().collect();
        SettingError::check(
            "",
            [
                (
                    self.arms.is_empty(),
                    "arms is empty: name at least one, as arms = [\"hard\"]",
                ),
                (
                    named.len() < self.arms.len(),
                    "arms names one of them twice: each is trained once",
                ),
            ],
        )?;
        let is_other_context = |net: &NetConfig| net.context != self.net.context;
        let mines_again = self.arms.iter().any(|arm| arm.mines_again());
        SettingError::check(
            "final_net",
            [
                (
                    self.final_net.as_ref().is_some_and(is_other_context),
                    "context must be that of [net]",
                ),
                (
                    self.final_net.is_some() && mines_again,
                    "the arms `rounds` and `rounds_random` score A anew with the net that they train, \
                     which [final_net] keeps apart from the one that mines: take them out of arms, or take \
                     [final_net] out",
                ),
            ],
        )?;
        let of_baseline = self.mining.tau == Tau::Paper;
        let has_baseline = self.arms.contains(&Arm::Baseline);
        SettingError::check(
            "mining",
            [
                (
                    of_baseline && mines_again,
                    "tau = \"paper\" is the baseline's, and the arms `rounds` and `rounds_random` mine \
                     anew with nets of their own: take them out of arms, or another tau",
                ),
                (
                    of_baseline && !has_baseline && self.arms.iter().any(|arm| arm.needs_mining()),
                    "tau = \"paper\" is the lowest test score of the baseline: add `baseline` to arms, or \
                     take another tau",
                ),
            ],
        )?;
        let second_half = self.train.steps - self.train.first_half();
        let has_too_many = |arm: &Arm| {
            let is_staged = arm.is_staged() && u64::from(self.balance.stages) > second_half;
            is_staged || arm.mines_again() && u64::from(self.balance.rounds) > second_half
        };
        SettingError::check(
            "balance",
            [(
                self.arms.iter().any(has_too_many),
                "stages and rounds must be at most the steps of the second half",
            )],
        )
    }
}

/// How a value is written that TOML's reader found to be of another kind.
fn written_form(message: &str) -> &'static str {
    let forms = [
        (
            "enum Loss",
            "; a loss is a table: loss = { kind = \"dice_cross_entropy\" }",
        ),
        (
            "invalid type: unit variant",
            "; a rule says more than its name: rule = { random = { test = 0.2 } }",
        ),
        (
            "struct OrganLabels",
            "; labels say which values make which organ: labels = { liver = [1], kidney = [2, 3] }",
        ),
        (
            "expected a sequence",
            "; a list stands in brackets: organs = [\"liver\"], arms = [\"baseline\", \"hard\"]",
        ),
        (
            "expected struct variant Rule::",
            "; a rule's settings stand in braces: rule = { random = { test = 0.2 } }",
        ),
        (
            "missing field `cohort`",
            "; it says where the scans are: [cohort] with path = \"cohort.csv\" and labels = { liver = [1] }",
        ),
    ];
    let form = forms.iter().find(|(part, _)| message.contains(part));
    form.map_or("", |(_, form)| form)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().expect("a file lies in a folder")
}

/// The line of the file that a setting stands on; `None` where the file leaves it to the preset.
fn line_of(error: &SettingError, own: &DeTable<'_>, text: &str) -> Option<usize> {
    let key = error.must.split(' ').next()?;
    let table = match error.table {
        "" => own,
        name => own.get(name)?.get_ref().as_table()?,
    };
    let span = table.get(key)?.span();
    Some(1 + text[..span.start].matches('\n').count())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_preset_that_is_no_name_is_shown_as_it_stands() {
        for (preset, shown) in [("3", "`3`"), ("\"huge\"", "`huge`"), ("\"\"", "``")] {
            let refused = parse(&format!("preset = {preset}\n{COHORT}")).unwrap_err();
            let said = refused.to_string();
            assert!(
                said.contains(&format!("there is no preset {shown}")),
                "{said}"
            );
        }
    }

    fn parse(text: &str) -> Result<Experiment, ExperimentError> {
        Experiment::parse(text, Path::new("experiment.toml"))
    }

    const COHORT: &str = "[cohort]\npath = \"scans\"\nlabels = { liver = [1], kidney = [2, 3] }\n";

    #[test]
    fn a_short_file_is_filled_in_from_its_preset() {
        let laptop = parse(&format!("preset = \"laptop\"\n{COHORT}")).unwrap();
        assert_eq!(laptop.prepare.size, 128, "the laptop's slices");
        let paper = parse(&format!("preset = \"paper\"\n{COHORT}[train]\nbatch = 4\n")).unwrap();
        assert_eq!(paper.train.steps, 1_000_000, "a million steps");
        assert_eq!(paper.train.batch, 4, "the file's own value wins");
    }

    #[test]
    fn a_loss_brings_its_learning_rate_unless_the_file_has_one() {
        for (train, lr0) in [
            ("", 0.1),
            ("loss = { kind = \"dice_cross_entropy\" }\n", 0.1),
            ("loss = { kind = \"tversky\" }\n", 0.1),
            ("loss = { kind = \"focal\" }\n", 1.0),
            ("loss = { kind = \"top_k\" }\n", 0.003),
            ("loss = { kind = \"top_k\" }\nlr0 = 0.02\n", 0.02),
        ] {
            let text = format!("preset = \"demo\"\n{COHORT}[train]\n{train}");
            let found = parse(&text).unwrap();
            assert!((found.train.lr0 - lr0).abs() < 1e-12, "{train}");
            let again = parse(&found.to_toml().unwrap()).unwrap();
            assert_eq!(again, found, "spelt out, it is not multiplied again");
        }
    }

    #[test]
    fn every_preset_is_whole_and_reads_back_as_it_was_written() {
        for preset in Preset::ALL {
            let text = format!("preset = \"{}\"\nseed = 7\n{COHORT}", preset.name());
            let experiment = parse(&text).unwrap();
            let again = parse(&experiment.to_toml().unwrap()).unwrap();
            assert_eq!(again, experiment, "{}", preset.name());
            assert_eq!(experiment.split.seed, 7, "one seed for all of it");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_is_refused_and_never_written_as_nothing() {
        use std::os::unix::ffi::OsStringExt;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir
            .path()
            .join(std::ffi::OsString::from_vec(b"nonutf\xff8".to_vec()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("experiment.toml");
        fs::write(&path, format!("preset = \"laptop\"\n{COHORT}")).unwrap();
        let refused = Experiment::read(&path).unwrap_err();
        assert!(
            matches!(refused, ExperimentError::NotUtf8 { .. }),
            "{refused}"
        );
        let mut experiment = parse(&format!("preset = \"laptop\"\n{COHORT}")).unwrap();
        experiment.cohort.path = folder;
        let unwritten = experiment.to_toml().unwrap_err().to_string();
        assert!(unwritten.contains("cannot be written"), "{unwritten}");
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_known_ones() {
        let text = format!("preset = \"laptop\"\n{COHORT}[train]\nbatch_size = 4\n");
        let error = parse(&text).unwrap_err();
        let ExperimentError::Toml { source, .. } = error else {
            panic!("{error}")
        };
        let message = source.to_string();
        assert!(
            message.contains("batch_size") && message.contains("`batch`"),
            "{message}"
        );
    }

    #[test]
    fn an_error_points_at_the_line_of_the_users_own_file() {
        for (lines, line, part) in [
            ("[train]\nbatchsize = 3\n", 5, "batchsize"),
            ("[train]\nbatch = \"many\"\n", 5, "invalid type"),
            ("[split]\nrule = { random = { tset = 4 } }\n", 5, "tset"),
            ("accept = [\"not_hu\", \"noise\"]\n", 4, "noise"),
            ("accept = [\"organ_without_value\"]\n", 4, "cannot hold"),
            ("patient = \"p[0-9]\"\n", 4, "0 groups"),
            ("[train]\nlr0 = 0.0\n", 5, "lr0 must be above 0"),
            (
                "patient = \"(p)\"\npatients = \"p.csv\"\n",
                4,
                "give one of them",
            ),
            ("[net\n", 4, "table"),
        ] {
            let text = format!("# mine\n[cohort]\npath = \"scans\"\n{lines}");
            for text in [text.clone(), text.replace('\n', "\r\n")] {
                let error = parse(&text).unwrap_err();
                let why = match &error {
                    ExperimentError::Toml { source, .. } => source.to_string(),
                    error => error.to_string(),
                };
                assert!(why.contains(&format!("line {line}")), "{lines}: {why}");
                assert!(why.contains(part), "{lines}: {why}");
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("e.toml");
        fs::write(&path, format!("\u{feff}preset = \"laptop\"\n{COHORT}")).unwrap();
        assert!(Experiment::read(&path).is_ok(), "a byte order mark");
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        for (text, part) in [
            ("arms = []\n", "arms is empty"),
            ("[train]\nlr0 = 0.0\n", "lr0 must be above 0"),
            ("[train]\ntop_k_lr0 = -1.0\n", "top_k_lr0 must be above 0"),
            ("[net]\nwidth = 0\n", "width must be 1"),
            ("[final_net]\nwidth = 0\n", "width must be 1"),
            (
                "[train]\ncopies = \"none\"\n[predict]\nflip_averaging = true\n",
                "flip_averaging has nothing to average over",
            ),
        ] {
            let (top, tables) = if text.starts_with('[') {
                ("", text)
            } else {
                (text, "")
            };
            let text = format!("preset = \"laptop\"\n{top}{COHORT}{tables}");
            let message = parse(&text).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
