import type { Findings } from '../xml/findings.ts';
import { localPath } from '../xml/local-path.ts';
import type { Element } from '../xml/parse-elements.ts';
import type { SecretPlaces } from './permissions.ts';
import { Secret } from '../secret.ts';

/** The context that readers of elements share. */
export interface ReadContext {
  readonly findings: Findings;
  readonly places: SecretPlaces;
}

/**
 * The secret that an element's `password`, `passwordFile` or `passwordEnv` (or the same of another word) names; null:
 * one of them says `none`; undefined: none is written. Nothing is read from the file or the environment here.
 */
export function readSecret(
  element: Element,
  what: 'password' | 'passphrase' | 'url' | 'header' | 'token',
  { findings, places }: ReadContext,
): Secret | null | undefined {
  const names = [what, `${what}File`, `${what}Env`];
  const written = names.filter((name) => name in element.attributes);
  const [name] = written;
  if (name === undefined) return undefined;
  if (written.length > 1) {
    element.faulty = true;
    findings.fault(element, `<${element.name}> has ${written.join(' and ')}; keep one of them`);
    return undefined;
  }
  const value = element.attributes[name] ?? '';
  if (value === 'none') return null;
  if (name === what) {
    noteLiteral(element, places);
    return new Secret({ kind: 'literal', value });
  }
  if (name.endsWith('Env')) return new Secret({ kind: 'env', name: value });
  const path = localPath(value, element.source);
  noteFile(path, element, places);
  return new Secret({ kind: 'file', path });
}

/** Remembers that an element's file holds a literal secret. */
export function noteLiteral(element: Element, places: SecretPlaces): void {
  if (!places.literal.has(element.source)) places.literal.set(element.source, element);
}

/** Remembers a file that others must not read. */
export function noteFile(path: string, element: Element, places: SecretPlaces): void {
  if (!places.files.has(path)) places.files.set(path, element);
}
