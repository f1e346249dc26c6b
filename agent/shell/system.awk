# Load, memory, swap, and the names of the system.

function firstLine(path,  line) {
  if ((getline line < (ROOT path)) <= 0) line = ""
  close(ROOT path)
  return line
}

function load(  f, why) {
  family("load"); row()
  if (split(firstLine("/proc/loadavg"), f, " ") < 3) why = "cannot be read: /proc/loadavg"
  known("load1", f[1], why, 2); known("load5", f[2], why, 2); known("load15", f[3], why, 2)
  done(0)
}

function readMeminfo(  line, f, file) {
  file = ROOT "/proc/meminfo"
  while ((getline line < file) > 0) { split(line, f, /: */); MEM[f[1]] = f[2] * 1024 }
  close(file)
}

# Returns the bytes of the cache of ZFS that shrinks when memory is needed. The kernel does not count them as available.
function zfsCache(  file, line, f, size, least) {
  file = ROOT "/proc/spl/kstat/zfs/arcstats"
  while ((getline line < file) > 0) { split(line, f, / +/); if (f[1] == "size") size = f[3]; if (f[1] == "c_min") least = f[3] }
  close(file)
  return size > least ? size - least : 0
}

# Reports the memory; in a container with a limit of its own, that limit and its usage.
function memory(  total, free, cap, used, cache, reserve, dir, line, f, isNew) {
  total = MEM["MemTotal"]
  if (!total) return "no MemTotal in /proc/meminfo"
  free = MEM["MemAvailable"]
  if (free == "" && "SReclaimable" in MEM) {
    # Estimates MemAvailable for kernels before 3.14, as procps does (sysinfo.c).
    reserve = firstLine("/proc/sys/vm/min_free_kbytes") * 1280; cache = MEM["Active(file)"] + MEM["Inactive(file)"]
    free = MEM["MemFree"] - reserve + cache - (cache / 2 < reserve ? cache / 2 : reserve) + MEM["SReclaimable"]
    free -= MEM["SReclaimable"] / 2 < reserve ? MEM["SReclaimable"] / 2 : reserve
    if (free < 0) free = 0
  }
  # Some kernels report 0 while memory is free.
  if (free == 0 && free != "") free = MEM["MemFree"]
  if (free != "" && !INSIDE) free += zfsCache()
  dir = "/sys/fs/cgroup/"; isNew = 1; cap = firstLine(dir "memory.max")
  if (cap == "") { dir = dir "memory/"; isNew = 0; cap = firstLine(dir "memory.limit_in_bytes") }
  used = firstLine(dir (isNew ? "memory.current" : "memory.usage_in_bytes"))
  if (cap > 0 && cap + 0 < total && used != "") {
    # The kernel frees inactive page cache before it enforces the limit.
    while ((getline line < (ROOT dir "memory.stat")) > 0) {
      split(line, f, " "); if (f[1] == (isNew ? "inactive_file" : "total_inactive_file")) cache = f[2]
    }
    close(ROOT dir "memory.stat")
    total = cap + 0; used -= cache; if (used < 0) used = 0
    if (free != "" && total - used < free) free = total - used
    if (free < 0) free = 0
  }
  if (free != "" && free > total) free = total
  family("memory"); row()
  number("total_bytes", total, 0)
  known("available_bytes", free, free == "" ? "no MemAvailable in /proc/meminfo" : "", 0)
  known("used_percent", 100 * (total - free) / total, free == "" ? "no MemAvailable in /proc/meminfo" : "", 2)
  done(0)
}

function swap(  used, total) {
  if (!("SwapTotal" in MEM)) return "no SwapTotal in /proc/meminfo"
  total = MEM["SwapTotal"]; used = total - MEM["SwapFree"]; if (used < 0) used = 0
  family("swap"); row()
  number("total_bytes", total, 0); number("used_bytes", used, 0)
  known("used_percent", total ? 100 * used / total : 0, total ? "" : "no swap", 2)
  done(0)
}

# https://www.freedesktop.org/software/systemd/man/latest/os-release.html
function readRelease(  line, name, value, file) {
  file = firstLine("/etc/os-release") == "" ? "/usr/lib/os-release" : "/etc/os-release"
  while ((getline line < (ROOT file)) > 0) {
    if (!match(line, /^[A-Z_]+=/)) continue
    name = substr(line, 1, RLENGTH - 1); value = substr(line, RLENGTH + 1); sub(/[ \r]+$/, "", value)
    if (value ~ /^".*"$|^\047.*\047$/) value = plain(substr(value, 2, length(value) - 2))
    if (!(name in RELEASE)) RELEASE[name] = value
  }
  close(ROOT file)
}

function os(  kind, why) {
  readRelease()
  family("os"); row()
  label("hostname", firstLine("/proc/sys/kernel/hostname"))
  label("distribution", RELEASE["PRETTY_NAME"] == "" ? RELEASE["NAME"] : RELEASE["PRETTY_NAME"])
  label("kernel", firstLine("/proc/sys/kernel/osrelease")); label("architecture", ENVIRON["fh_machine"])
  label("virtualisation", virtualisation())
  kind = " " RELEASE["ID"] " " RELEASE["ID_LIKE"] " "
  why = ENVIRON["fh_reboot"] == 1 || kind ~ / (debian|ubuntu|arch|alpine|suse|opensuse) / ? "" : \
    "this system does not tell"
  known("reboot_required", ENVIRON["fh_reboot"] == 1, why, 0)
  done(0)
}

# Returns the kind of container, '' outside of containers, detected as in agent/probes/virtualisation.ts.
function container(  s, line) {
  if (tolower(firstLine("/proc/sys/kernel/osrelease")) ~ /microsoft/) return "wsl"
  if ((s = firstLine("/run/systemd/container")) != "") return s
  if (ENVIRON["fh_container"] != "") return ENVIRON["fh_container"]
  while ((getline line < (ROOT "/proc/1/cgroup")) > 0) {
    if (line ~ /\/lxc/) s = "lxc"
    else if (s == "" && line ~ /\/(docker|kubepods)/) s = "docker"
  }
  close(ROOT "/proc/1/cgroup")
  return s == "" ? ENVIRON["fh_inside"] : s
}

# Returns the virtualisation.
function virtualisation(  s, i, n, line, f) {
  if ((s = container()) != "") return s
  if ((s = firstLine("/sys/hypervisor/type")) != "")
    return s != "xen" || firstLine("/proc/xen/capabilities") ~ /control_d/ ? "none" : "xen"
  while (s == "" && (getline line < (ROOT "/proc/cpuinfo")) > 0) if (line ~ /^flags[ \t]*:/) s = line " "
  close(ROOT "/proc/cpuinfo")
  if (s != "" && s !~ / hypervisor /) return "none"
  line = "/sys/class/dmi/id/"
  line = tolower(firstLine(line "sys_vendor") " " firstLine(line "product_name") " " firstLine(line "bios_vendor"))
  n = split("vmware:vmware,virtualbox:virtualbox,innotek:virtualbox,parallels:parallels,bhyve:bhyve,xen:xen," \
    "microsoft corporation virtual machine:hyperv,kvm:kvm,qemu:qemu,openstack:kvm,google compute engine:kvm," \
    "amazon ec2:kvm", VENDOR, ",")
  for (i = 1; i <= n; i++) { split(VENDOR[i], f, ":"); if (index(line, f[1])) break }
  # QEMU emulates the processor itself where its guest has no clock of KVM.
  if (i <= n && f[2] == "qemu" && firstLine("/sys/devices/system/clocksource/clocksource0/available_clocksource") ~ /kvm-clock/) return "kvm"
  if (i <= n) return f[2]
  return s == "" ? "" : "vm-other"
}
