/** The databases that `<storage>` may name: a line for each. */
export { mysqlKind } from './mysql/kind.ts';
export { sqliteKind } from './sqlite/kind.ts';
