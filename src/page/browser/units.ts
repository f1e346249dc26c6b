const sizes = ['B/s', 'KiB/s', 'MiB/s', 'GiB/s', 'TiB/s'] as const;

/** `42.5 %`. */
export function percents(value: number): string {
  return `${plain(value)} %`;
}

/** At most one decimal. */
export function plain(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** `1.5 MiB/s`. */
export function bytesPerSecond(value: number): string {
  const power = value < 1 ? 0 : Math.min(sizes.length - 1, Math.floor(Math.log2(value) / 10));
  return `${plain(value / 2 ** (10 * power))} ${sizes[power] ?? ''}`;
}
