import type { Output } from '../terminal/output.ts';

/** Prints what a command was asked for: its document with --json, else its text. */
export function printAnswer(output: Output, document: () => object, text: () => string): void {
  if (output.json) output.printJson(document());
  else output.print(text());
}

/** Prints what a command has done: its document with --json, else its text unless the command is quiet. */
export function printDone(output: Output, document: () => object, text: () => string): void {
  if (output.json || output.verbosity !== 'quiet') printAnswer(output, document, text);
}
