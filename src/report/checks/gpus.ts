/** Turns the answer of nvidia-smi into a state, by the number of GPUs and by its messages about lost ones. */
import { type Figure, type CheckOutcome, plainFigure } from './perfdata.ts';

/** Messages of nvidia-smi about a GPU, or a driver, that does not answer. */
const faulty = /\blost\b|fallen off the bus|\bERR!|unknown error|unable to|\bfailed\b|couldn't|insufficient/i;
/** A cell: a number, or a word in brackets for a value that is not there. */
const valueForm = /^(?:-?\d+(?:\.\d+)?(?:e\d+)?|N\/A|\[[^\][]*\])$/i;
/** The cells of a GPU that does not work. */
const lostForm = /requires reset|\blost\b|unknown error|\bERR/i;
/** The exit status of nvidia-smi with a corrupted infoROM. */
const warningExit = 14;
const mebibyte = 1024 * 1024;
const most = 1e12;

/**
 * Reads a line `NAME, TEMPERATURE, UTILISATION, MEMORY USED, MEMORY` for each GPU, in degrees, percent and MiB.
 * CRITICAL if there are fewer than `expected`, or nvidia-smi reports a fault. UNKNOWN for any other line. `expected` is
 * null if the configuration names no number.
 */
export function parseGpus(output: string, exit: number, expected: number | null): CheckOutcome {
  const gpus: { readonly name: string; readonly values: readonly number[] }[] = [];
  const faults: string[] = [];
  const odd: string[] = [];
  const warnings: string[] = [];
  let hasNone = false;
  for (const line of output.split('\n').filter((text) => text.trim() !== '')) {
    const [name = '', ...values] = line.split(',').map((cell) => cell.trim());
    // The cells come before the words: a cell such as `[Insufficient Permissions]` is a value that is unknown.
    const isRow = values.length === 4 && values.every((cell) => valueForm.test(cell));
    if (isRow && values.some((cell) => lostForm.test(cell))) faults.push(line.trim());
    else if (isRow) gpus.push({ name, values: values.map(valueOf) });
    else if (/^warning:/i.test(line.trim())) warnings.push(line.trim());
    else if (faulty.test(line)) faults.push(line.trim());
    else if (line.trim() === 'No devices were found') hasNone = true;
    else odd.push(`not an answer of nvidia-smi: ${line.trim()}`);
  }
  const isWarned = exit === warningExit && gpus.length > 0 && warnings.length > 0;
  if (exit !== 0 && faults.length === 0 && !hasNone && !isWarned) odd.push(`exit status ${exit}`);
  else if (gpus.length + faults.length + odd.length === 0 && !hasNone) odd.push('no answer');
  const isFew = expected !== null && gpus.length < expected && (gpus.length > 0 || hasNone);
  const state = isFew || faults.length > 0 ? 2 : odd.length > 0 ? 3 : warnings.length > 0 ? 1 : 0;
  const count = `${gpus.length} ${gpus.length === 1 ? 'GPU' : 'GPUs'}`;
  const names = [...new Set(gpus.map(({ name }) => name))].join(', ');
  const counted = `${count}${isFew ? ` of ${expected}` : ''}${names === '' ? '' : `: ${names}`}`;
  const remarks = [...faults, ...odd, ...warnings];
  return {
    state,
    text: (isFew ? [counted, ...remarks] : [...remarks, counted]).join('\n'),
    figures: [
      plainFigure('gpus', gpus.length),
      ...(gpus.length > 0 ? figuresOf(gpus.map(({ values }) => values)) : []),
    ],
  };
}

/** Returns the highest temperature and utilisation, and the memory of all GPUs. */
function figuresOf(values: readonly (readonly number[])[]): readonly Figure[] {
  const column = (at: number): readonly number[] => values.map((row) => row[at] ?? NaN).filter(Number.isFinite);
  const highest = (at: number): number => (column(at).length === 0 ? NaN : Math.max(...column(at)));
  const bytes = (at: number): number =>
    column(at).length < values.length ? NaN : mebibyte * column(at).reduce((sum, value) => sum + value, 0);
  return [
    plainFigure('temperature', highest(0)),
    plainFigure('utilisation', highest(1) / 100, 'ratio'),
    { ...plainFigure('memory', bytes(2), 'bytes'), minimum: 0, maximum: Number.isFinite(bytes(3)) ? bytes(3) : null },
  ];
}

/** Returns the number; NaN for `[N/A]`, `[Not Supported]` and anything without sense. */
function valueOf(text: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN;
  return value <= most ? value : NaN;
}
