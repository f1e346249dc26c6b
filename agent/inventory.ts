/**
 * The program inventory.cjs: the daily inventory, the state, and every visit on systems other than Linux. The state is
 * read several times a day, so the others are loaded when they are asked for.
 */
import { runAgent } from './agent.ts';
import { collectState } from './state/collect-state.ts';

runAgent({
  visit: async (options) => (await import('./portable/collect-portable.ts')).collectPortable(options),
  inventory: async (options) => (await import('./inventory/collect-inventory.ts')).collectInventory(options),
  state: collectState,
});
