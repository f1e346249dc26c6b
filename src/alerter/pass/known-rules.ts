import { ruleLists } from '../../config/rules/rule-matcher.ts';
import { fleet, readFleetMemory } from './fleet-memory.ts';
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
      const ruleStates = new Map([[fleet, { ...memory, rules: names }]]);
      await storage.evaluation.saveProcessed(await lease.take(), { statIds: [], visitIds: [], alerts: [], ruleStates });
    },
  };
}
