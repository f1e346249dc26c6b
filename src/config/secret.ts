import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';

import { errnoOf, fileFault, FleetError } from '../platform/errors/errors.ts';
import { isMissingCredential } from '../platform/credentials.ts';
import { decodeText } from '../text/plain-text.ts';
import { rememberSecret } from '../platform/errors/revealed-secrets.ts';

type Source =
  | { readonly kind: 'literal'; readonly value: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly name: string };

/** The variables that hold a secret of config.xml, whether or not the secret has been read. */
const secretVariables = new Set<string>();

/** Returns the environment for a child process, without the variables that config.xml names as secrets. */
export function environmentForPrograms(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !secretVariables.has(name)));
}

/**
 * A password or passphrase that cannot be printed by accident: JSON, string conversion and inspection show `[secret]`.
 * Only `reveal` reads files and variables, so a command that needs no secrets needs no access to them.
 */
export class Secret {
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
    if (source.kind === 'env') secretVariables.add(source.name);
    Object.freeze(this);
  }

  /** Returns the place of the secret, for messages. Never returns the secret itself. */
  get origin(): string {
    if (this.#source.kind === 'literal') return 'config.xml';
    return this.#source.kind === 'file' ? this.#source.path : `$${this.#source.name}`;
  }

  /** Returns the file that holds the secret; null for a secret in config.xml or in a variable. */
  get file(): string | null {
    return this.#source.kind === 'file' ? this.#source.path : null;
  }

  /**
   * Returns the secret. For a file, returns the first line without the line break. Throws FleetError `secret-missing`.
   */
  reveal(): string {
    const value = this.#read();
    rememberSecret(value);
    return value;
  }

  #read(): string {
    const source = this.#source;
    if (source.kind === 'literal') return source.value;
    if (source.kind === 'env') {
      const value = process.env[source.name];
      if (value !== undefined && value !== '') return value;
      throw new FleetError({ code: 'secret-missing', stage: 'config', message: `$${source.name} is not set` });
    }
    try {
      const value = decodeText(readFileSync(source.path)).split(/\r?\n/, 1)[0] ?? '';
      if (value !== '') return value;
    } catch (thrown) {
      const message = whyUnreadable(source.path, thrown);
      throw new FleetError({ code: 'secret-missing', stage: 'config', message, cause: thrown });
    }
    throw new FleetError({ code: 'secret-missing', stage: 'config', message: `${source.path} is empty` });
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

function whyUnreadable(file: string, thrown: unknown): string {
  const errno = errnoOf(thrown);
  if (isMissingCredential(file)) return `${file}: systemd has passed no credentials (LoadCredential=)`;
  if (errno === 'ENOENT') return `the secret's file ${file} does not exist`;
  if (errno === 'EACCES') return `the secret's file ${file} may not be read by this account`;
  return `the secret's file ${file} cannot be read: ${fileFault(thrown)}`;
}
