# The shell runs this program several times: `plan` prints the questions for other programs, `logs` reads logs if they
# are requested, `checks` and `checked` handle the checks of people (checks.awk), and `report` makes the report from
# these answers and from files. Runs in every POSIX awk: mawk, gawk, BusyBox (which may lack `^`), original-awk.

BEGIN {
  byteCodes()
  ROOT = ENVIRON["fh_root"]
  if (ARGV[1] == "checks") checksPlan()
  else if (ARGV[1] == "checked") checksResult()
  else if (ARGV[1] == "logs") logs()
  else if (ARGV[1] == "updates") askedUpdates()
  else if (ARGV[1] == "names") printNames()
  else if (ARGV[1] == "textfile") textfiles()
  else visit(bytesOf(ENVIRON["fh_request"]))
}

function visit(request) {
  readRequest(request)
  readFstab(ROOT "/etc/fstab", ENVIRON["fh_places"])
  readMounts(ROOT "/proc/self/mountinfo")
  if (ARGV[1] == "plan") {
    printPlan()
    if (index(request, "\"checks\":")) printRequested(request)
  }
  else report()
}

function report(  t, begun, now, then, cpuMs, fault) {
  split(ENVIRON["fh_times"], t, " "); BOOT = ENVIRON["fh_boot"]
  begun = uptime()
  fault = ENVIRON["fh_disks_fault"]; disks(fault); worker("disks", fault, (t[2] - t[1] + uptime() - begun) * 1000)
  fault = ENVIRON["fh_units_fault"]; services(fault)
  worker("services", fault == "no systemd" || fault == "no systemctl" ? "" : fault, (t[3] - t[2]) * 1000)

  readLinks(ENVIRON["fh_links"])
  sample(now)
  split("", then); readCounters(ENVIRON["fh_counters"], then, now["at"])
  if (NO_RATES != "" && ROOT == "") sampleTwice(now, then)
  begun = uptime()
  cpu(now, then); worker("cpu", "", 0)
  load(); worker("load", "", 0)
  readMeminfo(); fault = memory(); worker("memory", fault, 0)
  fault = swap(); worker("swap", fault, 0)
  kernel(now, then); worker("kernel", "", 0)
  network(now, then); worker("network", "", 0)
  os(); worker("os", "", 0)
  family("uptime"); row(); known("seconds", uptime(), uptime() ? "" : "cannot be read: /proc/uptime", 2); done(0); worker("uptime", "", 0)
  begun = uptime(); processes(); worker("processes", "", (uptime() - begun) * 1000)
  temperatures(); worker("temperatures", "", 0)
  family("clock"); row(); known("synchronised", ENVIRON["fh_clock"], ENVIRON["fh_clock"] == "" ? \
    "no time service that tells" : "", 0); done(0); worker("clock", "", 0)
  if (!INSIDE) devices(ENVIRON["fh_devices"])
  if (ENVIRON["fh_logs"] != "") WORKERS = WORKERS "," ENVIRON["fh_logs"]
  containers(ENVIRON["fh_scopes"], ENVIRON["fh_names"], now, then)
  updates(ENVIRON["fh_wall"])

  cpuMs = ticks(ENVIRON["fh_pid"]) + ticks("self")
  begun = uptime()
  printf "{\"datetime\":\"%s\",\"agent\":{\"version\":\"%s\",\"cpu_ms\":%.0f,\"wall_ms\":%.0f,\"rss_bytes\":%.0f},", \
    ENVIRON["fh_datetime"], ENVIRON["fh_version"], cpuMs, (begun - t[1]) * 1000, residentBytes()
  printf "\"boot_id\":%s,\"monotonic_ms\":%.0f,\"worker_reports\":[%s]%s}\n", \
    (BOOT == "" ? "null" : quoted(BOOT)), begun * 1000, WORKERS, members(ENVIRON["fh_members"])
  fault = ENVIRON["fh_dir"] == "" ? "no folder of this machine can be used" : "the shell agent keeps no report"
  printf "{\"left\":0,\"place\":%s,\"spool_error\":\"%s\"}\n", \
    (ENVIRON["fh_dir"] == "" ? "null" : quoted(ENVIRON["fh_dir"])), fault
  print (KEPT == "" ? countersText(now) : KEPT)
}
# Returns the CPU time of a process and its ended children, in milliseconds.
function ticks(pid,  f) {
  split(firstLine("/proc/" pid "/stat"), f, " ")
  return (f[14] + f[15] + f[16] + f[17]) * 10
}
function residentBytes(  line, f) {
  while ((getline line < "/proc/self/status") > 0) if (line ~ /^VmRSS/) { split(line, f, /: */); return f[2] * 1024 }
  return 0
}
