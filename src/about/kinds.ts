import { type About, groupShort } from '../config/rules/builtin-rules.ts';
import type { AboutKind, AlertKey } from './about.ts';
import { aboutClient } from './client.ts';
import { aboutFleet } from './fleet.ts';
import { aboutGroup } from './group.ts';

const kinds: Readonly<Record<About, AboutKind>> = { client: aboutClient, fleet: aboutFleet, group: aboutGroup };

/** The part of a key that says the kind. */
type KindKey = Pick<AlertKey, 'client' | 'rule'>;

/** Returns the kind of thing that an alert is about. */
export function aboutOf({ client, rule }: KindKey): About {
  if (client !== '') return 'client';
  return rule === groupShort ? 'group' : 'fleet';
}

/** Returns the entry of its kind. */
export function kindOf(key: KindKey): AboutKind {
  return kinds[aboutOf(key)];
}

/** Returns the key of the alert that a rule has about the fleet, or about a group. */
export function keyOfFleet(rule: string, subject = ''): AlertKey {
  return { client: '', rule, subject };
}
