import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';

import { errnoOf, fileFault, FleetError } from '../platform/errors/errors.ts';
import { isMissingCredential } from '../platform/credentials.ts';
import { decodeText } from '../text/plain-text.ts';
import { rememberSecret } from '../platform/errors/revealed-secrets.ts';

/** The place of a secret, and the secret itself if config.xml has it. */
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

  /** Returns a secret for another process of this program, which has no other way to it. */
  get source(): Source {
    return this.#source;
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

/** The secrets of an object, by their places in it. A copy for another process loses them. */
export type SecretsOf = readonly (readonly [place: readonly string[], source: Source])[];

/** Returns the secrets of an object for `putSecrets`. */
export function secretsOf(value: object): SecretsOf {
  const found: (readonly [readonly string[], Source])[] = [];
  const seen = new Set<object>();
  const visit = (one: unknown, place: readonly string[]): void => {
    if (typeof one !== 'object' || one === null || seen.has(one)) return;
    seen.add(one);
    if (one instanceof Secret) found.push([place, one.source]);
    else for (const [name, inner] of Object.entries(one)) visit(inner, [...place, name]);
  };
  visit(value, []);
  return found;
}

/** Puts secrets into a copy of the object that had them. */
export function putSecrets(copy: object, secrets: SecretsOf): void {
  for (const [place, source] of secrets) {
    const parent = place
      .slice(0, -1)
      .reduce((one, name) => one[name] as Record<string, unknown>, copy as Record<string, unknown>);
    parent[place.at(-1) ?? ''] = new Secret(source);
  }
}

function whyUnreadable(file: string, thrown: unknown): string {
  const errno = errnoOf(thrown);
  if (isMissingCredential(file)) return `${file}: systemd has passed no credentials (LoadCredential=)`;
  if (errno === 'ENOENT') return `the secret's file ${file} does not exist`;
  if (errno === 'EACCES') return `the secret's file ${file} may not be read by this account`;
  return `the secret's file ${file} cannot be read: ${fileFault(thrown)}`;
}
