//! The device: what nets are computed on.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use thiserror::Error;

/// What nets are computed on: `cpu`, `reference`, or a graphics card through `vulkan`, `wgpu`,
/// `metal` or `cuda`, where the program was built with the Cargo feature of that name.
///
/// A number chooses among several cards (`cuda:1`). Weights and checkpoints are the same for all;
/// results differ by rounding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ComputeDevice {
    kind: Kind,
    index: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Cpu,
    Reference,
    Vulkan,
    Wgpu,
    Metal,
    Cuda,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Cpu,
        Self::Reference,
        Self::Vulkan,
        Self::Wgpu,
        Self::Metal,
        Self::Cuda,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Reference => "reference",
            Self::Vulkan => "vulkan",
            Self::Wgpu => "wgpu",
            Self::Metal => "metal",
            Self::Cuda => "cuda",
        }
    }

    fn is_built(self) -> bool {
        match self {
            Self::Cpu | Self::Reference => true,
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Cuda => cfg!(feature = "cuda"),
        }
    }
}

/// A device cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// There is none of that name.
    #[error("there is no device `{got}`; devices are {}, on a card also with its number (cuda:1)", names(|_| true))]
    Unknown {
        /// What was asked for.
        got: String,
    },
    /// The program was built without it.
    #[error(
        "this program was built without `{wanted}` (it has {}); build it with `cargo build \
         --release --features {wanted}`",
        names(Kind::is_built)
    )]
    NotBuilt {
        /// What was asked for.
        wanted: &'static str,
    },
    /// The machine has none, or fewer.
    #[error(
        "`{wanted}` is not there: {found} such devices were found; see whether its driver is \
         installed, or use --device cpu"
    )]
    NotThere {
        /// What was asked for.
        wanted: ComputeDevice,
        /// How many there are.
        found: usize,
    },
}

fn names(which: impl Fn(Kind) -> bool) -> String {
    let names = Kind::ALL.into_iter().filter(|kind| which(*kind));
    names.map(Kind::name).collect::<Vec<_>>().join(", ")
}

impl ComputeDevice {
    /// Opens the device for the rest of the process.
    ///
    /// With `reference`, which computes on the CPU with Burn's own operations in place of those of
    /// `hardslice-kernels`, every net of the process does so from now on.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] when the program was built without it, or the machine has none.
    pub fn open(self) -> Result<Device, DeviceError> {
        if !self.kind.is_built() {
            return Err(DeviceError::NotBuilt {
                wanted: self.kind.name(),
            });
        }
        match self.kind {
            Kind::Cpu => Ok(Device::flex()),
            Kind::Reference => {
                use_burns_operations();
                Ok(Device::flex())
            }
            Kind::Vulkan | Kind::Wgpu | Kind::Metal | Kind::Cuda => self.card(),
        }
    }

    #[cfg(any(
        feature = "vulkan",
        feature = "wgpu",
        feature = "metal",
        feature = "cuda"
    ))]
    fn card(self) -> Result<Device, DeviceError> {
        use burn::tensor::DeviceType;

        let kind = match self.kind {
            #[cfg(feature = "vulkan")]
            Kind::Vulkan => DeviceType::Vulkan,
            #[cfg(feature = "wgpu")]
            Kind::Wgpu => DeviceType::Wgpu,
            #[cfg(feature = "metal")]
            Kind::Metal => DeviceType::Metal,
            #[cfg(feature = "cuda")]
            Kind::Cuda => DeviceType::Cuda,
            _ => return Err(self.not_there(0)),
        };
        let mut cards = Device::enumerate(kind).into_vec();
        let index = self.index.unwrap_or(0);
        if index < cards.len() {
            Ok(cards.swap_remove(index))
        } else {
            Err(self.not_there(cards.len()))
        }
    }

    #[cfg(not(any(
        feature = "vulkan",
        feature = "wgpu",
        feature = "metal",
        feature = "cuda"
    )))]
    fn card(self) -> Result<Device, DeviceError> {
        Err(self.not_there(0))
    }

    fn not_there(self, found: usize) -> DeviceError {
        DeviceError::NotThere {
            wanted: self,
            found,
        }
    }
}

impl fmt::Display for ComputeDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "{}:{index}", self.kind.name()),
            None => f.write_str(self.kind.name()),
        }
    }
}

impl FromStr for ComputeDevice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown {
            got: text.to_owned(),
        };
        let (name, index) = match text.split_once(':') {
            Some((name, index)) => (name, Some(index.parse().ok().ok_or_else(unknown)?)),
            None => (text, None),
        };
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        let kind = kind.ok_or_else(unknown)?;
        if index.is_some() && matches!(kind, Kind::Cpu | Kind::Reference) {
            return Err(unknown());
        }
        Ok(Self { kind, index })
    }
}

fn use_burns_operations() {
    hardslice_kernels::force_instruction_set("burn")
        .expect("Burn's own operations can be chosen on every processor");
}

/// Whose arithmetic this device computes with: the kernels' instruction set on a CPU
/// ([`hardslice_kernels::instruction_set`]), else what Burn calls the device.
pub fn arithmetic(device: &Device) -> String {
    named(device, hardslice_kernels::instruction_set())
}

/// Runs a computation of a net on one of the threads that share the CPU's work.
///
/// A net is many short parallel parts; handed over from any other thread, each of them would have to
/// wake those threads first. A graphics card's queue belongs to the thread that fills it: for one it
/// runs here.
pub(crate) fn on_sharing_thread<R: Send>(device: &Device, run: impl FnOnce() -> R + Send) -> R {
    if device.clone().without_autodiff() == Device::flex() {
        rayon::scope(|_| run())
    } else {
        run()
    }
}

/// The arithmetic of a device, with this instruction set where it is a CPU.
pub(crate) fn named(device: &Device, instruction_set: &str) -> String {
    if *device == Device::flex() {
        instruction_set.to_owned()
    } else {
        format!("{:?}", device.clone().without_autodiff())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_as_it_is_written() {
        for text in ["cpu", "reference", "vulkan", "wgpu:0", "metal", "cuda:12"] {
            assert_eq!(text.parse::<ComputeDevice>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_unknown_device_is_refused_with_those_that_there_are() {
        for text in ["gpu", "cuda:one", "cpu:1", ""] {
            let error = text.parse::<ComputeDevice>().unwrap_err().to_string();
            assert!(error.contains("cpu, reference, vulkan"), "{error}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_was_not_built_in_says_how_to_build_it() {
        let device: ComputeDevice = "cuda".parse().unwrap();
        let error = device.open().unwrap_err().to_string();
        assert!(error.contains("--features cuda"), "{error}");
    }
}
