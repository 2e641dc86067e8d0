//! The review desk against those who should not ask, and two desks on one folder. What a reviewer
//! sees is checked in a browser (`tests/browser/desk.mjs`).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use support::{assert_ends, experiment_of, hardslice, printed, run, words, workplace};

/// A desk that is open, and ends with the test.
struct Desk {
    child: Child,
    port: u16,
    token: String,
}

impl Desk {
    fn open(dir: &Path) -> Self {
        Self::of("store", dir)
    }

    fn of(folder: &str, dir: &Path) -> Self {
        let mut child = hardslice(&["review", folder, "--no-open", "--port", "0"], dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("http://127.0.0.1:").unwrap();
        let (port, token) = address.split_once("/?token=").unwrap();
        Self {
            child,
            port: port.parse().unwrap(),
            token: token.to_owned(),
        }
    }

    /// The status of a request with these lines of its head, and the answer as text.
    fn ask(&self, request: &str, lines: &[String], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let lines: String = lines
            .iter()
            .flat_map(|line| [line.as_str(), "\r\n"])
            .collect();
        let length = body.len();
        let text = format!(
            "{request} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n{body}"
        );
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }

    fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }

    fn cookie(&self) -> String {
        format!("Cookie: other=1; {}", self.token_cookie(&self.token))
    }

    /// Browsers give a cookie to every port of a machine: the name tells desks apart.
    fn token_cookie(&self, token: &str) -> String {
        format!("hardslice-desk-{}={token}", self.port)
    }

    fn origin(&self) -> String {
        format!("Origin: http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn json_lines(desk: &Desk) -> Vec<String> {
    let kind = "Content-Type: application/json".to_owned();
    vec![desk.host(), desk.cookie(), desk.origin(), kind]
}

fn prepared() -> tempfile::TempDir {
    let dir = workplace();
    run(&words("prepare experiment.toml --out store"), dir.path());
    dir
}

const VERDICT: &str = r#"{"id": 0, "verdict": "wrong", "note": "x", "reviewer": "Ada"}"#;

#[test]
fn only_pages_of_the_desk_itself_with_its_token_are_answered() {
    let dir = prepared();
    let desk = Desk::open(dir.path());
    let (host, cookie, origin) = (desk.host(), desk.cookie(), desk.origin());
    let kind = "Content-Type: application/json".to_owned();
    let get = |lines: &[&String]| {
        let lines: Vec<String> = lines.iter().map(|line| (*line).clone()).collect();
        desk.ask("GET /items", &lines, "").0
    };
    assert_eq!(get(&[&host, &cookie]), 200);
    assert_eq!(get(&[&host]), 403, "no token");
    assert_eq!(
        get(&[&host, &format!("Cookie: {}", desk.token_cookie("0"))]),
        403,
        "a wrong token"
    );
    let of_two = format!(
        "Cookie: hardslice-desk-1=0; {}",
        desk.token_cookie(&desk.token)
    );
    assert_eq!(get(&[&host, &of_two]), 200, "beside that of another desk");
    assert_eq!(
        get(&[&"Host: evil.example".to_owned(), &cookie]),
        403,
        "a name that leads here"
    );
    assert_eq!(get(&[&cookie]), 403, "no host at all");
    let other = "Origin: http://evil.example".to_owned();
    assert_eq!(get(&[&host, &cookie, &other]), 403, "a page of others");
    assert_eq!(get(&[&host, &cookie, &"Origin: null".to_owned()]), 403);

    let token = format!("GET /items?token={}", desk.token);
    assert_eq!(
        desk.ask(&token, std::slice::from_ref(&host), "").0,
        403,
        "the token opens the page alone"
    );
    let entry = format!("GET /?token={}", desk.token);
    let (status, said) = desk.ask(&entry, std::slice::from_ref(&host), "");
    assert_eq!(status, 303);
    assert!(said.contains("HttpOnly; SameSite=Strict"), "{said}");

    let post = |lines: &[&String]| {
        let lines: Vec<String> = lines.iter().map(|line| (*line).clone()).collect();
        desk.ask("POST /verdicts", &lines, VERDICT).0
    };
    assert_eq!(post(&[&host, &cookie, &kind]), 403, "nobody says who asks");
    assert_eq!(post(&[&host, &cookie, &kind, &other]), 403);
    assert_eq!(post(&[&host, &origin, &kind]), 403, "no token");
    let form = "Content-Type: text/plain".to_owned();
    assert_eq!(
        post(&[&host, &cookie, &origin, &form]),
        415,
        "a form's kind"
    );
    let verdicts = dir.path().join("store/review/verdicts.csv");
    assert!(!verdicts.exists(), "nothing was written");
    assert_eq!(post(&[&host, &cookie, &origin, &kind]), 200);
    let text = fs::read_to_string(verdicts).unwrap();
    assert!(text.contains(",wrong,x,Ada,"), "{text}");

    let (_, page) = desk.ask("GET /", &[host, cookie], "");
    assert!(
        page.contains("content-security-policy: default-src 'none';"),
        "{page}"
    );
    assert!(
        !page.contains(&desk.token),
        "the page does not hold the token"
    );
}

#[test]
fn no_request_names_a_file_and_none_takes_more_than_it_may() {
    let dir = prepared();
    fs::write(dir.path().join("secret.txt"), "secret").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret.txt", dir.path().join("store/link.txt")).unwrap();
    let desk = Desk::open(dir.path());
    let lines = [desk.host(), desk.cookie()];
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/store.json",
        "/link.txt",
        "/picture/../items",
        "/picture/%2e%2e%2fsecret.txt",
        "//etc/passwd",
    ] {
        let (status, said) = desk.ask(&format!("GET {path}"), &lines, "");
        assert!((400..500).contains(&status), "{path}: {status}");
        assert!(
            !said.contains("secret\n") && !said.contains("root:"),
            "{path}: {said}"
        );
    }
    for (query, status) in [
        ("0?w=176", 200),
        ("0?plane=sagittal&w=100", 200),
        ("99999999", 422),
        ("-1", 400),
        ("0?w=0", 422),
        ("0?w=99999999", 422),
        ("0?dz=9223372036854775807", 422),
        ("0?dz=-9223372036854775808", 422),
        ("0?lo=5&hi=5", 422),
        ("0?lo=NaN&hi=NaN", 422),
        ("0?lo=-inf&hi=inf", 422),
        ("0?plane=oblique", 400),
        ("0?path=/etc/passwd", 400),
    ] {
        let (found, said) = desk.ask(&format!("GET /picture/{query}"), &lines, "");
        assert_eq!(found, status, "{query}: {said}");
    }
    let mine = json_lines(&desk);
    for (body, status) in [
        ("{".to_owned(), 400),
        (VERDICT.replace("wrong", "nice"), 422),
        (VERDICT.replace("Ada", " "), 422),
        (VERDICT.replace("\"id\": 0", "\"id\": 99999999"), 422),
        (
            VERDICT.replace("\"x\"", &format!("\"{}\"", "n".repeat(3000))),
            422,
        ),
        (
            VERDICT.replace("\"x\"", &format!("\"{}\"", "n".repeat(30_000))),
            413,
        ),
    ] {
        let (found, said) = desk.ask("POST /verdicts", &mine, &body);
        assert_eq!(found, status, "{body:.60}: {said}");
    }
    assert!(
        !dir.path().join("store/review/verdicts.csv").exists(),
        "nothing was written"
    );
    // Many at once: each is answered, if only with "too many".
    std::thread::scope(|scope| {
        for n in 0..16 {
            let (desk, lines) = (&desk, &lines);
            scope.spawn(move || {
                for k in 0..25 {
                    let path = format!("GET /picture/0?w={}", 16 + (n * 25 + k) % 300);
                    let (status, _) = desk.ask(&path, lines, "");
                    assert!([200, 503].contains(&status), "{status}");
                }
            });
        }
    });
}

#[test]
fn one_desk_is_open_on_a_folder_and_a_verdict_holds_as_long_as_its_label() {
    let dir = prepared();
    let desk = Desk::open(dir.path());
    assert_ends(
        &words("review store --no-open"),
        dir.path(),
        2,
        &["another hardslice is at work"],
    );
    let (status, said) = desk.ask("POST /verdicts", &json_lines(&desk), VERDICT);
    assert_eq!(status, 200);
    assert!(
        said.contains("\"n_outdated\":0") && said.contains("Ada"),
        "{said}"
    );
    drop(desk);
    let csv = dir.path().join("store/review/verdicts.csv");
    let rows = fs::read_to_string(&csv).unwrap();
    let row = rows.lines().nth(1).unwrap();
    let hash = row.split(',').nth(7).unwrap();
    fs::write(&csv, rows.replace(hash, "0123456789abcdef")).unwrap();
    let desk = Desk::open(dir.path());
    let (_, said) = desk.ask("GET /verdicts", &[desk.host(), desk.cookie()], "");
    assert!(
        said.contains("\"n_outdated\":1") && !said.contains("Ada"),
        "{said}"
    );
}

#[test]
fn where_nothing_was_prepared_the_way_out_is_named() {
    let dir = tempfile::tempdir().unwrap();
    assert_ends(
        &words("review . --no-open"),
        dir.path(),
        2,
        &["--store", "hardslice prepare"],
    );
}

/// Of another label than the one that is there now.
fn a_verdict_on_another_label_does_not_count(dir: &Path) {
    let verdicts = dir.join("out/review/verdicts.csv");
    let text = fs::read_to_string(&verdicts).unwrap();
    let mut lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let shown = lines[0]
        .iter()
        .position(|column| *column == "shown")
        .unwrap();
    lines[1][shown] = "0000000000000000";
    let lines: Vec<String> = lines.iter().map(|line| line.join(",") + "\n").collect();
    fs::write(&verdicts, lines.concat()).unwrap();
    run(&words("report out"), dir);
    let report = fs::read_to_string(dir.join("out/report.html")).unwrap();
    let said = "Ada judged 0 slices at the review desk: the label right 0 times, wrong 0, ambiguous 0, the \
                scan broken 0. 1 verdict on a slice or a label that has changed since is not counted.";
    assert!(report.contains(said), "what does not stand");
}

#[test]
fn a_label_that_reviewers_found_wrong_is_kept_out_of_the_plans() {
    let dir = workplace();
    let dir = dir.path();
    let text = experiment_of(&["baseline", "hard"]);
    fs::write(dir.join("experiment.toml"), &text).unwrap();
    run(&words("run experiment.toml --out out --threads 1"), dir);
    let desk = Desk::of("out", dir);
    let (_, items) = desk.ask("GET /items", &[desk.host(), desk.cookie()], "");
    let (_, items) = items.split_once("\r\n\r\n").unwrap();
    let items: serde_json::Value = serde_json::from_str(&unchunked(items)).unwrap();
    let (case, z) = (
        items["items"][0]["case"].as_str().unwrap(),
        &items["items"][0]["z"],
    );
    assert_eq!(
        desk.ask("POST /verdicts", &json_lines(&desk), VERDICT).0,
        200
    );
    drop(desk);

    let shows = |plan: &str| {
        let plan = fs::read_to_string(dir.join(plan)).unwrap();
        plan.lines()
            .any(|line| line.starts_with(&format!("{case},{z},")))
    };
    assert!(shows("out/liver/hard/plan.csv"), "it was hard and shown");
    let mine = "mine experiment.toml --store out/store --split out/split.json --threads 1 --model \
                out/liver/pretrained/model --exclude reviewed-wrong";
    assert_ends(&words(&format!("{mine} --out a")), dir, 2, &["--reviews"]);
    run(
        &words(&format!("{mine} --reviews out/review/verdicts.csv --out a")),
        dir,
    );
    assert!(!shows("a/mining/plan.csv"), "now it is not");

    let excluded = text.replace(
        "[mining]\n",
        "[mining]\nexclude = [\"reviewed-wrong\"]\nreviews = \"out/review/verdicts.csv\"\n",
    );
    fs::write(dir.join("reviewed.toml"), excluded).unwrap();
    run(&words("run reviewed.toml --out again --threads 1"), dir);
    assert!(!shows("again/liver/hard/plan.csv"));
    let why = printed(&words(&format!("why {case}:{z} --in again")), dir);
    assert!(
        why.contains("Ada found the label wrong; kept out of the plans"),
        "{why}"
    );
    let why = printed(&words(&format!("why {case}:{z} --in out")), dir);
    assert!(
        why.contains("Ada found the label wrong for the liver (x)"),
        "{why}"
    );
    run(&words("report out"), dir);
    let report = fs::read_to_string(dir.join("out/report.html")).unwrap();
    let said = "Ada judged 1 slice at the review desk: the label right 0 times, wrong 1,";
    assert!(report.contains(said), "what stands");
    run(
        &words("export --in out --format corrections --out work.csv"),
        dir,
    );
    let list = fs::read_to_string(dir.join("work.csv")).unwrap();
    let row: Vec<&str> = list.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(row[0], case);
    assert!(row[3].ends_with(&format!("labels/{case}.nii.gz")), "{list}");
    assert_eq!(&row[7..], ["liver", "wrong", "Ada", "x"]);
    assert_eq!(list.lines().count(), 2);
    let never = "export --in again --format corrections --out none.csv";
    assert_ends(
        &words(never),
        dir,
        2,
        &["nobody has judged", "hardslice review"],
    );
    // Every value spelt out, the verdicts among them, gives the same again.
    run(
        &words("run again/experiment.toml --out third --threads 1"),
        dir,
    );
    let plan = |out: &str| fs::read(dir.join(out).join("liver/hard/plan.csv")).unwrap();
    assert_eq!(plan("again"), plan("third"));
    a_verdict_on_another_label_does_not_count(dir);
}

/// The body of an answer that comes in chunks, each behind its length in a line of its own.
fn unchunked(body: &str) -> String {
    if body.starts_with(['{', '[']) {
        return body.to_owned();
    }
    let mut whole = String::new();
    let mut rest = body;
    while let Some((length, behind)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        whole += &behind[..length];
        rest = behind[length..].trim_start_matches("\r\n");
        if length == 0 {
            break;
        }
    }
    whole
}

#[test]
fn every_arms_net_is_asked_about_a_slice_and_its_surfaces_are_made() {
    let dir = workplace();
    let dir = dir.path();
    let text = experiment_of(&["baseline", "hard"]);
    fs::write(dir.join("experiment.toml"), &text).unwrap();
    run(&words("run experiment.toml --out out --threads 1"), dir);
    let desk = Desk::of("out", dir);
    let get = |path: &str| desk.ask(&format!("GET {path}"), &[desk.host(), desk.cookie()], "");
    let json = |path: &str| -> serde_json::Value {
        let (status, said) = get(path);
        assert_eq!(status, 200, "{path}: {said}");
        let (_, body) = said.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(&unchunked(body)).unwrap()
    };
    let items = json("/items");
    assert_eq!(items["arms"], serde_json::json!(["baseline", "hard"]));
    let first = &items["items"][0];
    assert_eq!(
        first["shown_to"],
        serde_json::json!([0, 1]),
        "hard: shown to both"
    );
    let said = json("/arms/0");
    let arms: Vec<&str> = said
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["arm"].as_str().unwrap())
        .collect();
    assert_eq!(arms, ["baseline", "hard"]);
    let (case, z) = (first["case"].as_str().unwrap(), &first["z"]);
    for of in said.as_array().unwrap() {
        let plan = format!("out/liver/{}/plan.csv", of["arm"].as_str().unwrap());
        let plan = fs::read_to_string(dir.join(plan)).unwrap();
        let row = plan
            .lines()
            .find(|line| line.starts_with(&format!("{case},{z},")))
            .unwrap();
        let weight: f64 = row.split(',').nth(2).unwrap().parse().unwrap();
        assert_eq!(of["weight"].as_f64(), Some(weight), "{row}");
        assert!(of["dice"].is_null() || (0.0..=1.0).contains(&of["dice"].as_f64().unwrap()));
    }
    // A prediction may be empty; the truth's surface and the slice's plane are there.
    let mut slices = items["items"].as_array().unwrap().iter();
    let positive = slices.position(|item| item["kind"] != "negative").unwrap();
    for (query, wanted) in [
        ("of=truth", vec![200]),
        ("of=plane&dz=1", vec![200]),
        ("of=net", vec![200, 204]),
        ("of=net&net=hard", vec![200, 204]),
        ("of=net&net=rounds", vec![204]),
        ("of=net&net=no_such_arm", vec![400]),
        ("of=bones", vec![400]),
        ("of=plane&dz=100000", vec![422]),
    ] {
        let (status, said) = get(&format!("/surface/{positive}?{query}"));
        assert!(wanted.contains(&status), "{query}: {status}");
        if status == 200 {
            assert!(said.contains("\r\n\r\nMZ"), "{query}: a mesh");
        }
    }
    assert_eq!(get("/surface/99999?of=truth").0, 422);
    assert_eq!(get("/arms/99999").0, 422);
    for path in ["/niivue.js", "/niivue-licence.txt"] {
        assert_eq!(get(path).0, 200, "{path}");
        assert_eq!(
            desk.ask(&format!("GET {path}"), &[desk.host()], "").0,
            403,
            "{path}"
        );
    }
}

#[test]
fn what_mine_scored_is_shown_with_what_scored_it() {
    let dir = prepared();
    let dir = dir.path();
    run(
        &words("split experiment.toml --store store --out split.json"),
        dir,
    );
    // What another program calls the liver lies where the spleen is.
    let labels = "--predictions phantoms/labels --label liver=4 --label spleen=1";
    let mine = format!("mine experiment.toml --store store {labels} --tau 0.9 --out mined");
    run(&words(&mine), dir);
    fs::rename(dir.join("store"), dir.join("mined/store")).unwrap();
    let picture = |desk: &Desk, query: &str| -> String {
        let get = |path: &str| desk.ask(&format!("GET {path}"), &[desk.host(), desk.cookie()], "");
        // The hardest slice has the liver, and no prediction of it there.
        let (status, said) = get(&format!("/picture/0?{query}"));
        assert_eq!(status, 200, "{said}");
        said.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    let both = "truth=false&predicted=";
    let desk = Desk::of("mined", dir);
    let (with, without) = (
        picture(&desk, &format!("{both}true")),
        picture(&desk, &format!("{both}false")),
    );
    assert_ne!(with, without, "the prediction is outlined");
    drop(desk);
    fs::rename(dir.join("phantoms/labels"), dir.join("elsewhere")).unwrap();
    let desk = Desk::of("mined", dir);
    assert_eq!(
        picture(&desk, &format!("{both}true")),
        without,
        "there is none to outline"
    );
}
