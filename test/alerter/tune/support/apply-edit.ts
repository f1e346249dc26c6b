import { readFileSync, writeFileSync } from 'node:fs';

import { editText, isAdded, type RuleEdit } from '../../../../src/config/rules/rule-edit.ts';

/** Makes edits in the file itself, as a person would who reads their places and texts. */
export function applyEdits(file: string, edits: readonly RuleEdit[]): void {
  const lines = readFileSync(file, 'utf8').split('\n');
  for (const edit of edits) {
    const { name, line } = edit.element;
    const at = line - 1;
    const before = lines[at] ?? '';
    lines[at] = isAdded(edit) ? withElement(before, name, editText(edit)) : withAttributes(before, edit.attributes);
  }
  writeFileSync(file, lines.join('\n'));
}

function withElement(line: string, name: string, text: string): string {
  const tag = new RegExp(`(<${name}\\b[^>]*?)(/?)>`);
  return line.replace(tag, (_, begin: string, end: string) => `${begin}>${text}${end === '' ? '' : `</${name}>`}`);
}

function withAttributes(line: string, attributes: RuleEdit['attributes']): string {
  return Object.entries(attributes).reduce((text, [name, value]) => {
    const known = new RegExp(`(<alert\\b[^>]*?) ${name}="[^"]*"`);
    return known.test(text)
      ? text.replace(known, `$1 ${name}="${value}"`)
      : text.replace('<alert', `<alert ${name}="${value}"`);
  }, line);
}
