/**
 * Returns the words that name an alert: its rule, and its subject unless that is empty. Omits the selectors of a rule,
 * because the subject would repeat them: `disk mount=/srv` of `/srv` becomes `disk` and `/srv`. A rule for a single
 * check may have the name of its subject, which stands once.
 */
export function alertLabel({ rule, subject }: { readonly rule: string; readonly subject: string }): readonly string[] {
  if (subject === '') return [rule];
  const type = typeOf(rule, subject);
  return type === subject ? [subject] : [type, subject];
}

/** True if the label lacks a part of the rule's name that people need for silences and `explain`. */
export function labelHidesRule({ rule, subject }: { readonly rule: string; readonly subject: string }): boolean {
  return subject !== '' && typeOf(rule, subject) !== rule;
}

function typeOf(rule: string, subject: string): string {
  const [type = rule] = rule.split(' ', 1);
  const hasSelectors = /^[\w-]+(?: [\w-]+=\S*)+$/.test(rule) || rule.endsWith(`=${subject}`);
  return hasSelectors ? type : rule;
}
