/** Bytes of a line of /proc/meminfo (`MemTotal:  24684096 kB`); null when there is no such line. */
export function meminfoBytes(meminfo: string, name: string): number | null {
  const label = `${name}:`;
  const start = meminfo.startsWith(label) ? 0 : meminfo.indexOf(`\n${label}`) + 1;
  if (start === 0 && !meminfo.startsWith(label)) return null;
  const kibibytes = parseInt(meminfo.slice(start + label.length), 10);
  return Number.isNaN(kibibytes) ? null : kibibytes * 1024;
}
