/** Runs work with another TZ. */
export function inServerZone(zone: string | undefined, work: () => void): void {
  const before = process.env['TZ'];
  try {
    set(zone);
    work();
  } finally {
    set(before);
  }
}

function set(zone: string | undefined): void {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
}
