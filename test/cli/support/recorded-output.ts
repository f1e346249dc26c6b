import type { Output } from '../../../src/cli/terminal/output.ts';

/** Returns an output without a terminal, and the lines that are written to it. */
export function recordedOutput(options: Partial<Output> = {}) {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const output: Output = {
    ...{ json: false, verbosity: 'normal', terminal: false, attended: false, columns: 80 },
    print: (text) => void stdout.push(text),
    printJson: (value) => void stdout.push(JSON.stringify(value)),
    complain: (text) => void stderr.push(text),
    colour: (_colour, text) => text,
    ...options,
  };
  return { output, stdout, stderr };
}
