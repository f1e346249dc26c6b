import ms from 'ms';

/** A span for people, in its largest unit: `0.3s`, `42s`, `5m`, `3d`. */
export function describeDuration(spanMs: number): string {
  return spanMs < 9950 ? `${(spanMs / 1000).toFixed(1)}s` : ms(Math.round(spanMs / 1000) * 1000);
}

/** How long ago something was, for people: whole seconds at least; `-` when it is not known. */
export function describeAge(ageMs: number | null): string {
  return ageMs === null ? '-' : ms(Math.max(0, Math.round(ageMs / 1000)) * 1000).replace(/^0ms$/, '0s');
}
