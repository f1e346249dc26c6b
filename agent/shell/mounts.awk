# The local file systems of /proc/self/mountinfo, as agent/probes/{mountinfo,file-systems}.ts choose them. Network file
# systems, and what lies below one, are never asked: a dead server would hold whoever asks.

# The kernel writes blank, tab, newline, backslash and # as three octal digits.
function unescaped(s,  out, d) {
  while (match(s, /\\[0-7][0-7][0-7]/)) {
    d = substr(s, RSTART + 1, 3)
    out = out substr(s, 1, RSTART - 1) CH[substr(d, 1, 1) * 64 + substr(d, 2, 1) * 8 + substr(d, 3, 1)]
    s = substr(s, RSTART + 4)
  }
  return out s
}

function scopeOf(type, device, mount) {
  if (type == "autofs") return ""
  if (type ~ /^(9p|afs|beegfs|ceph|cifs|coda|gpfs|lustre|ncpfs|nfs4?|orangefs|prl_fs|pvfs2|smb3|smbfs|vboxsf|virtiofs|vmhgfs)$/)
    return "network"
  if (type ~ /^fuse(\.|$)/)
    return type ~ /^fuse\.(fuse-overlayfs|gvfsd-fuse|lxcfs|portal|snapfuse|squashfuse|squashfuse_ll)$/ && mount != "/" &&
      !(mount in WANTED) ? "" : "network"
  if (mount == "/" || mount in WANTED) return "local"
  if (type ~ /^(cramfs|erofs|iso9660|romfs|squashfs|udf)$/) return ""
  return device !~ /^0:/ || type ~ /^(bcachefs|btrfs|f2fs|jffs2|ubifs|zfs)$/ ? "local" : ""
}

# Whether a folder above is in the set; parent limits it to mounts of that parent.
function isBelow(mount, set, parent) {
  if (mount == "/") return 0
  while (sub(/\/[^\/]*$/, "", mount)) {
    if ((parent (mount == "" ? "/" : mount)) in set) return 1
    if (mount == "") return 0
  }
  return 0
}

# Fills MOUNT, TYPE, SOURCE, SCOPE, MODE, GROUP, PART and HANGS for each mount worth a look, 1 to MOUNTS.
function readMounts(file,  line, f, g, n, i, at, steps, buried, id, up, place, dev, mnt, typ, src, mode, part, over, waits) {
  while ((getline line < file) > 0) {
    if (!(at = index(line, " - "))) continue
    split(substr(line, 1, at - 1), f, " "); split(substr(line, at + 3), g, " ")
    if (f[6] == "" || g[1] == "") continue
    id[++n] = f[1]; up[n] = f[2]; dev[n] = f[3]; part[n] = f[4] != "/"; mnt[n] = unescaped(f[5]); typ[n] = g[1]
    src[n] = unescaped(g[2]); place[f[1]] = n; mode[n] = f[6] ~ /^ro(,|$)/ || g[3] ~ /^ro(,|$)/ ? "ro" : "rw"
    if (f[1] != f[2]) over[f[2] " " mnt[n]] = 1
  }
  close(file)
  for (i = 1; i <= n; i++) if (scopeOf(typ[i], dev[i], mnt[i]) == "network" || typ[i] == "fuseblk") waits[mnt[i]] = 1
  for (i = 1; i <= n; i++) {
    if ((id[i] " " mnt[i]) in over || scopeOf(typ[i], dev[i], mnt[i]) == "") continue
    buried = 0; at = i
    for (steps = 0; at && steps <= n && !buried; steps++) {
      buried = id[at] != up[at] && isBelow(mnt[at], over, up[at] " ")
      at = id[at] == up[at] ? 0 : place[up[at]]
    }
    if (buried) continue
    MOUNT[++MOUNTS] = mnt[i]; TYPE[MOUNTS] = typ[i]; SOURCE[MOUNTS] = src[i]; MODE[MOUNTS] = mode[i]
    SCOPE[MOUNTS] = scopeOf(typ[i], dev[i], mnt[i])
    PART[MOUNTS] = part[i] && mnt[i] != "/" && !(mnt[i] in WANTED)
    HANGS[MOUNTS] = mnt[i] in waits || isBelow(mnt[i], waits, "")
    split(src[i], f, "/"); GROUP[MOUNTS] = typ[i] == "zfs" ? "zfs " f[1] : dev[i]
  }
}

# What the shell is to ask of which mount: a line each, `f` where it has to look first whether it is a folder.
function printPlan(  i) {
  for (i = 1; i <= MOUNTS && i <= 1000; i++)
    if (!HANGS[i] && MOUNT[i] !~ /\n/) print (PART[i] ? "f" : "m") MOUNT[i]
  for (i = 1; i <= ASKS["units"] && i <= 200; i++) print "u" unitName(ASKED["units", i])
}

# `nginx` is `nginx.service`, as for systemctl itself.
function unitName(unit) {
  return unit ~ /^\/|.\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/ ? unit : unit ".service"
}
