/** Returns numbers as a command line takes them, ascending: `3`, `5-9`. A range names nothing that was not given. */
export function numberRanges(numbers: readonly number[]): readonly string[] {
  const ranges: { from: number; to: number }[] = [];
  for (const number of [...new Set(numbers)].sort((one, other) => one - other)) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last.to + 1) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return ranges.flatMap(({ from, to }) => (to - from < 2 ? range(from, to) : [`${from}-${to}`]));
}

function range(from: number, to: number): readonly string[] {
  return from === to ? [String(from)] : [String(from), String(to)];
}
