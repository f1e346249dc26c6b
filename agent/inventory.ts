/** The program inventory.cjs: the daily inventory, and every visit on systems other than Linux. */
import { runAgent } from './agent.ts';
import { collectInventory } from './inventory/collect-inventory.ts';
import { collectPortable } from './portable/collect-portable.ts';

runAgent({ visit: collectPortable, inventory: collectInventory });
