import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * Inputs that once broke a parser, or nearly, one per file in corpus/TARGET/. Every run of the tests checks all of
 * them.
 */
export interface KeptInput {
  readonly file: string;
  readonly input: Buffer;
}

const root = new URL('corpus/', import.meta.url);

export function readCorpus(target: string): readonly KeptInput[] {
  const folder = new URL(`${target}/`, root);
  return readdirSync(folder)
    .toSorted()
    .map((name) => ({ file: `corpus/${target}/${name}`, input: readFileSync(new URL(name, folder)) }));
}

/** Keeps an input under its digest and returns its path below test/fuzz/. */
export function keepInput(target: string, input: Buffer): string {
  const name = `${createHash('sha256').update(input).digest('hex').slice(0, 16)}.bin`;
  const folder = new URL(`${target}/`, root);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(name, folder), input);
  return `corpus/${target}/${name}`;
}
