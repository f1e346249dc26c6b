import { createHash } from 'node:crypto';

import { ruleLists } from '../../config/rules/rule-matcher.ts';
import { type NeedingGroup, needingGroups } from '../inhibit/group-states.ts';
import { readFleetMemory, saveFleetMemory } from './fleet-memory.ts';
import type { PassContext } from './pass-context.ts';

/** Finds rules that are new in config.xml, by name. */
export async function knownRules({ config, storage, lease }: PassContext) {
  const names = [...new Set(ruleLists(config).flatMap((rules) => rules.map(({ name }) => name)))].sort();
  const memory = await readFleetMemory(storage.evaluation);
  const known = memory.rules === undefined ? null : new Set(memory.rules);
  return {
    /** Names of rules that no earlier pass has evaluated. Empty if there was no earlier pass. */
    fresh: known === null ? new Set<string>() : new Set(names.filter((name) => !known.has(name))),
    /** Stores the rules as known, once rows were processed and mails enqueued. */
    remember: async (): Promise<void> => {
      if (known?.size === names.length && names.every((name) => known.has(name))) return;
      await saveFleetMemory(storage.evaluation, await lease.take(), { ...memory, rules: names });
    },
  };
}

/**
 * Finds since when groups have their members and their need: an edit of config.xml says nothing of the time before.
 */
export async function knownGroups({ config, storage, lease, nowMs }: PassContext) {
  const needing = needingGroups(config);
  const memory = config.needs.length === 0 ? null : await readFleetMemory(storage.evaluation);
  const known = memory?.groups ?? {};
  const newMs = memory?.rules === undefined ? null : nowMs;
  const groups = Object.fromEntries(
    needing.map((group) => {
      const digest = digestOf(group);
      const before = known[group.need.name];
      return [group.need.name, before?.digest === digest ? before : { digest, sinceMs: newMs }] as const;
    }),
  );
  return {
    /** The time of the first pass by group. Omits groups that the first pass of all has found. */
    sinceMs: new Map(
      Object.entries(groups).flatMap(([name, { sinceMs }]) => (sinceMs === null ? [] : [[name, sinceMs]])),
    ),
    /** Stores the groups as known, once their alerts are stored. */
    remember: async (): Promise<void> => {
      const isSame = needing.every(({ need: { name } }) => known[name] === groups[name]);
      if (memory === null || (isSame && Object.keys(known).length === needing.length)) return;
      await saveFleetMemory(storage.evaluation, await lease.take(), { ...memory, groups });
    },
  };
}

function digestOf({ need, members, needed }: NeedingGroup): string {
  const text = JSON.stringify([needed, need.rules, members.map(({ name }) => name).sort()]);
  return createHash('sha256').update(text).digest('base64').slice(0, 16);
}
