/** src/cli/set-up: `init`, `import`, `crontab`, `completion`. */
import { oneLine } from '../../text/plain-text.ts';

/**
 * Returns the messages of Ansible, which breaks them to the width of a terminal, as one line each. Omits the text
 * of the inventory that a message quotes, which may be a password.
 */
export function ansibleMessages(stderr: string): readonly string[] {
  const messages: string[] = [];
  for (const line of stderr.split('\n')) {
    const isNew = messages.length === 0 || /^(?:\[[A-Z ]+\]|ERROR!)/.test(line);
    if (isNew) messages.push(line);
    else messages.push(`${messages.pop() ?? ''} ${line}`);
  }
  return messages.map((message) => withoutQuoted(oneLine(message))).filter((message) => message !== '');
}

/** The words before a quotation that reaches to the end of its message. */
const openQuotation = /\b(got|execution error|offending line appears to be): .*$/;
/** From the first quotation that is no path to the last one, because a quoted text may hold quotes. */
const quotations = /(['"])(?!\/).*\1/;

function withoutQuoted(message: string): string {
  return message.replace(openQuotation, '$1: ...').replace(quotations, '$1...$1');
}
