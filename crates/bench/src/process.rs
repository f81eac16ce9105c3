//! What this process has used: processor time and memory.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::error::{Failure, Result};

/// Processor time of all threads of this process so far, user and system.
pub fn cpu() -> Duration {
    time_of(ClockId::ProcessCPUTime)
}

/// Processor time of the calling thread so far.
pub fn thread_cpu() -> Duration {
    time_of(ClockId::ThreadCPUTime)
}

fn time_of(clock: ClockId) -> Duration {
    let used = clock_gettime(clock);
    Duration::new(u64::try_from(used.tv_sec).unwrap_or(0), u32::try_from(used.tv_nsec).unwrap_or(0))
}

/// Resident memory in KiB: now, and the most since [`reset_peak`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    pub resident: u64,
    pub peak: u64,
}

/// Memory of a process; `None` for this one.
pub fn memory(pid: Option<u32>) -> Result<Memory> {
    let path = pid.map_or("/proc/self/status".to_owned(), |pid| format!("/proc/{pid}/status"));
    let status = std::fs::read_to_string(&path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
    parse(&status).ok_or_else(|| Failure::new(format!("{path} does not tell VmRSS and VmHWM")))
}

/// From here on the peak counts anew.
pub fn reset_peak() -> Result<()> {
    std::fs::write("/proc/self/clear_refs", "5")
        .map_err(|error| Failure::new(format!("/proc/self/clear_refs: {error}")))
}

fn parse(status: &str) -> Option<Memory> {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Memory { resident: field("VmRSS:")?, peak: field("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_kernels_form_is_read() {
        let status = "Name:\tx\nVmHWM:\t    7120 kB\nVmRSS:\t    6244 kB\nThreads:\t1\n";
        assert_eq!(parse(status), Some(Memory { resident: 6_244, peak: 7_120 }));
        assert_eq!(parse("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let before = cpu();
        let memory = memory(None).unwrap();
        assert!(memory.resident > 0 && memory.peak >= memory.resident);
        let sum =
            (0..5_000_000_u64).fold(0_u64, |sum, n| std::hint::black_box(sum ^ n.wrapping_mul(sum | 1)));
        assert!(cpu() > before, "{sum}");
        assert!(!thread_cpu().is_zero() && thread_cpu() <= cpu());
    }
}
