/** The databases that `<storage>` may name: a line for each. */
export { mysqlKind } from './mysql.ts';
export { sqliteKind } from './sqlite.ts';
