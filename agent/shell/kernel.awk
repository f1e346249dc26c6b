# Out-of-memory kills, tables that can be full, and pressure, as in agent/probes/kernel.ts.

# Returns the processes killed since boot or since the container's start; '' if unknown.
function oomKills(  file, line, f, n) {
  file = ROOT (INSIDE ? "/sys/fs/cgroup/memory.events" : "/proc/vmstat")
  while ((getline line < file) > 0) if (line ~ /^oom_kill [0-9]+$/) { split(line, f, " "); n = f[2] + 0 }
  close(file)
  return n
}

function kernel(now, then,  f, most, why) {
  why = "the kernel does not tell"
  family("kernel"); row()
  if (!(("oom", 1) in now)) lack("oom_kills", why)
  else if (NO_EVENTS != "" || !(("oom", 1) in then)) lack("oom_kills", NO_EVENTS == "" ? "first visit" : NO_EVENTS)
  else if (now["oom", 1] < then["oom", 1]) lack("oom_kills", "the counter was reset")
  else number("oom_kills", now["oom", 1] - then["oom", 1], 0)
  split(firstLine("/proc/sys/fs/file-nr"), f, " ")
  filled("open_files_percent", f[1], f[3], INSIDE ? "a container sees that of its host" : f[3] > 0 ? "" : why)
  most = firstLine("/proc/sys/net/netfilter/nf_conntrack_max")
  f[1] = firstLine("/proc/sys/net/netfilter/nf_conntrack_count")
  filled("conntrack_percent", f[1], most, most > 0 ? "" : "no connection tracking")
  done(0)
  family("pressure"); row()
  pressure("cpu", why); pressure("memory", why); pressure("io", why)
  done(0)
}

# The kernel lets root open more than the limit.
function filled(field, used, most, why,  p) {
  if (why == "") { p = 100 * used / most; if (p > 100) p = 100 }
  known(field, p, why, 2)
}

function pressure(name, why,  line) {
  line = firstLine(INSIDE ? "/sys/fs/cgroup/" name ".pressure" : "/proc/pressure/" name)
  if (line ~ /^some .*avg60=[0-9.]+/) why = ""
  sub(/.*avg60=/, "", line)
  known(name "_percent", line + 0, why, 2)
}
