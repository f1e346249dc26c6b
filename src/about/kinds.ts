import { type About, groupShort } from '../config/rules/builtin-rules.ts';
import type { AboutKey, AboutKind, AlertKey } from './about.ts';
import { aboutClient } from './client.ts';
import { aboutFleet } from './fleet.ts';
import { aboutGroup } from './group.ts';
import { aboutSource, eventEvidence } from './source.ts';

const kinds: Readonly<Record<About, AboutKind>> = {
  client: aboutClient,
  fleet: aboutFleet,
  group: aboutGroup,
  source: aboutSource,
};

/** Returns the entry of the kind of thing that an alert is about. */
export function kindOf({ about }: Pick<AboutKey, 'about'>): AboutKind {
  return kinds[about];
}

/** Returns the kinds for which a test holds. */
export function aboutsOf(isWanted: (kind: AboutKind) => boolean): readonly About[] {
  return Object.values(kinds).flatMap((kind) => (isWanted(kind) ? kind.about : []));
}

/** The part of a row that says its kind if its column does not. */
interface RowOfUnknownKind extends Pick<AlertKey, 'client' | 'rule'> {
  readonly about: string;
  readonly firstEvidence?: string;
}

/**
 * Returns what a stored alert is about. An earlier program stores alerts without a kind, and a later one those of kinds
 * that are unknown here: their kind follows from client, rule and evidence.
 */
export function aboutOf({ about, client, rule, firstEvidence = '' }: RowOfUnknownKind): About {
  if (Object.hasOwn(kinds, about)) return about as About;
  if (client !== '') return 'client';
  if (rule === groupShort) return 'group';
  return firstEvidence.startsWith(eventEvidence) ? 'source' : 'fleet';
}

/** Returns the key of an alert about a client. */
export function keyOfClient(client: string, rule: string, subject = ''): AboutKey {
  return { about: 'client', client, rule, subject };
}

/** Returns the key of the alert that a rule has about the fleet. */
export function keyOfFleet(rule: string, subject = ''): AboutKey {
  return { about: 'fleet', client: '', rule, subject };
}

/** Returns the key of the alert about a group that lacks members which it needs. */
export function keyOfGroup(name: string): AboutKey {
  return { about: 'group', client: '', rule: groupShort, subject: name };
}
