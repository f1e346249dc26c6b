import type { Output } from '../terminal/output.ts';

/** Prints the answer of a command: the document with --json, else the text. Returns the exit status of success. */
export function printAnswer(output: Output, document: () => object, text: () => string): 0 {
  if (output.json) output.printJson(document());
  else output.print(text());
  return 0;
}

/** Prints the result of a command as `printAnswer` does, but no text if the command is quiet. */
export function printDone(output: Output, document: () => object, text: () => string): 0 {
  return output.json || output.verbosity !== 'quiet' ? printAnswer(output, document, text) : 0;
}
