/** The groups of metric families that `<metrics families>` and `--families` name. */
export const familyGroups = ['client', 'alerts', 'self', 'check', 'disk', 'network', 'series'] as const;

export type FamilyGroup = (typeof familyGroups)[number];

/** Reads names of groups with commas between, in the order of the groups. Returns null for any other text. */
export function parseFamilyGroups(text: string): readonly FamilyGroup[] | null {
  const words = text.split(',').map((word) => word.trim());
  if (words.some((word) => !familyGroups.some((group) => group === word))) return null;
  return familyGroups.filter((group) => words.includes(group));
}
