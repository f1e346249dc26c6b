/** Returns one field of each element. */
export function pluck<T, K extends keyof T>(list: readonly T[], field: K): readonly T[K][] {
  return list.map((one) => one[field]);
}

/** Returns some fields of each element, in this order. */
export function pluckAll<T, K extends keyof T>(
  list: readonly T[],
  ...fields: readonly K[]
): readonly (readonly T[K][])[] {
  return list.map((one) => fields.map((field) => one[field]));
}
