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
 * Returns the secret that an element's `password`, `passwordFile` or `passwordEnv` names, or the same attributes of
 * another word. Returns null for `none`, and undefined if none of them is written. Does not read the file or the
 * environment.
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

/** Records that an element's file holds a literal secret. */
export function noteLiteral(element: Element, places: SecretPlaces): void {
  if (!places.literal.has(element.source)) places.literal.set(element.source, element);
}

/** Records a file that others must not read. */
export function noteFile(path: string, element: Element, places: SecretPlaces): void {
  if (!places.files.has(path)) places.files.set(path, element);
}
