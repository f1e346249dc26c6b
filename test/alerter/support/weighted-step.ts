import fc from 'fast-check';

type Arbitraries<T> = { readonly [Field in keyof T]: fc.Arbitrary<T[Field]> };

/** Returns a kind of step with its fields, and its weight among the kinds of `fc.oneof`. */
export function weightedStep<K extends string, T extends object>(
  weight: number,
  kind: K,
  fields: Arbitraries<T>,
): { readonly weight: number; readonly arbitrary: fc.Arbitrary<T & { readonly kind: K }> } {
  return { weight, arbitrary: fc.record<T>(fields).map((drawn) => ({ ...drawn, kind })) };
}
