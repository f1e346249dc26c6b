import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { sqlDir } from '../../state-folder/paths.ts';

/** A numbered file of a folder of `sql/`. */
export interface MigrationFile {
  readonly number: number;
  /** Its name without `.sql`. */
  readonly name: string;
  /**
   * SHA-256 (hex) of the statements. Changes of comments, line breaks and the row format, which is no part of what
   * statements rely on, do not change the digest.
   */
  readonly digest: string;
  /** The DDL statements, each a step. */
  readonly steps: readonly string[];
}

/** The migrations of this package by database. An upgrade while the program runs is not its own. */
const packaged = new Map<string, readonly MigrationFile[]>();

/**
 * Returns the migrations of one database, in order. Throws Error if a file is misnamed or empty, or if a number is
 * missing: the package is faulty then.
 */
export function readMigrations(dialect: string, dir: string = sqlDir): readonly MigrationFile[] {
  const known = dir === sqlDir ? packaged.get(dialect) : undefined;
  if (known !== undefined) return known;
  const files = readFolder(path.join(dir, dialect));
  if (dir === sqlDir) packaged.set(dialect, files);
  return files;
}

function readFolder(folder: string): readonly MigrationFile[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  return names.map((fileName, index) => {
    const number = Number(/^(\d{3})-[a-z0-9-]+\.sql$/.exec(fileName)?.[1]);
    if (number !== index + 1) throw new Error(`${path.join(folder, fileName)}: not the migration ${index + 1}`);
    const steps = splitStatements(readFileSync(path.join(folder, fileName), 'utf8'));
    if (steps.length === 0) throw new Error(`${path.join(folder, fileName)}: no statement`);
    const said = steps.map((step) => step.replace(/ ROW_FORMAT=\w+/, ''));
    const digest = createHash('sha256').update(JSON.stringify(said)).digest('hex');
    return { number, name: fileName.slice(0, -'.sql'.length), digest, steps };
  });
}

/**
 * Splits a migration into its statements and folds white space outside of strings. A statement ends with a semicolon at
 * the end of a line. A comment is a line that starts with `--`. Neither may stand inside a string.
 */
export function splitStatements(text: string): readonly string[] {
  const code = text.replace(/^\s*--.*$/gm, '');
  return code
    .split(/;[ \t]*$/m)
    .map((statement) => statement.replace(/('[^']*')|\s+/g, (_, text?: string) => text ?? ' ').trim())
    .filter((statement) => statement !== '');
}
