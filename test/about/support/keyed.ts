import { aboutOf } from '../../../src/about/kinds.ts';
import type { About } from '../../../src/config/rules/builtin-rules.ts';

interface Unkeyed {
  readonly about?: About;
  readonly client: string;
  readonly rule: string;
  readonly firstEvidence?: string;
}

/** Adds what an alert is about to its key. Default: what follows from its client, rule and evidence. */
export function keyed<Key extends Unkeyed>(key: Key): Key & { readonly about: About } {
  return { ...key, about: key.about ?? aboutOf({ ...key, about: '' }) };
}
