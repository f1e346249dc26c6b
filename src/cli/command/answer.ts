import type { Output } from '../terminal/output.ts';

/** Prints the answer of a command: the document with --json, else the text. */
export function printAnswer(output: Output, document: () => object, text: () => string): void {
  if (output.json) output.printJson(document());
  else output.print(text());
}

/** Prints the result of a command: the document with --json, else the text unless the command is quiet. */
export function printDone(output: Output, document: () => object, text: () => string): void {
  if (output.json || output.verbosity !== 'quiet') printAnswer(output, document, text);
}
