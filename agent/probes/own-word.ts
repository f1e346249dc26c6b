/**
 * Throws an Error that names the program unless its answer has the word that every answer of this program has. Another
 * program may have the name: one that prints nothing, a usage message or its own input, and ends with 0.
 */
export function demandWord(program: string, answer: string, word: RegExp): void {
  if (!word.test(answer)) throw new Error(`${program}: its answer is not that of ${program}`);
}
