/** The program inventory.cjs: the daily inventory, the state, and every visit on systems other than Linux. */
import { runAgent } from './agent.ts';
import { collectInventory } from './inventory/collect-inventory.ts';
import { collectPortable } from './portable/collect-portable.ts';
import { collectState } from './state/collect-state.ts';

runAgent({ visit: collectPortable, inventory: collectInventory, state: collectState });
