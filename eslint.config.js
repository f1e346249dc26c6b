import { readFileSync } from 'node:fs';

import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** The rule that the doc comment of a function begins with a verb in the third person, or with "True if". */
const verbFirst = {
  create: ({ sourceCode, report }) => {
    const check = (node) => {
      const comment = sourceCode.getCommentsBefore(node).at(-1);
      if (comment?.type !== 'Block' || !comment.value.startsWith('*')) return;
      if (/^(?:[A-Z][a-z]+s|True if)\b/.test(comment.value.replace(/^[\s*]+/, ''))) return;
      report({ loc: comment.loc, message: 'Begin with a verb in the third person (Returns, Opens) or "True if".' });
    };
    const isFunction = ({ init }) => init?.type === 'ArrowFunctionExpression';
    const exported = (node) => (node.parent.type === 'ExportNamedDeclaration' ? node.parent : node);
    return {
      FunctionDeclaration: (node) => check(exported(node)),
      VariableDeclaration: (node) => node.declarations.some(isFunction) && check(exported(node)),
      MethodDefinition: (node) => node.kind === 'method' && check(node),
      TSMethodSignature: check,
    };
  },
};

const maxMethods = 12;

/** Counts the methods of a type, however it is composed. Omits private ones, and those of libraries. */
function methodsOf(checker, type) {
  return checker.getPropertiesOfType(type).filter((member) => {
    const [declaration] = member.declarations ?? [];
    const isOurs = declaration !== undefined && !declaration.getSourceFile().isDeclarationFile;
    if (!isOurs || member.name.startsWith('#')) return false;
    return checker.getNonNullableType(checker.getTypeOfSymbol(member)).getCallSignatures().length > 0;
  }).length;
}

/** The rule that no type has more methods than can be remembered: `A & B`, `Pick` and `extends` count as resolved. */
const fewMethods = {
  create: ({ sourceCode, report }) => {
    const { program, esTreeNodeToTSNodeMap: nodes } = sourceCode.parserServices;
    // Files in JavaScript have no types.
    if (!program) return {};
    const checker = program.getTypeChecker();
    const check = ({ id }) => {
      if (id === null) return;
      const count = methodsOf(checker, checker.getDeclaredTypeOfSymbol(checker.getSymbolAtLocation(nodes.get(id))));
      if (count <= maxMethods) return;
      report({ node: id, message: `The type has ${count} methods. At most ${maxMethods} are allowed.` });
    };
    return { TSInterfaceDeclaration: check, TSTypeAliasDeclaration: check, ClassDeclaration: check };
  },
};

/** The rule that no folder or file is named for nothing in particular. */
const noCatchAll = {
  create: ({ filename, cwd, report }) => ({
    Program: (node) => {
      const parts = filename.slice(cwd.length).split('/');
      const part = parts.find((one) => /^(?:utils?|commons?|helpers?|types?|misc)(?:\.c?ts)?$/.test(one));
      if (part !== undefined) report({ node, message: `Name ${part} for its subject.` });
    },
  }),
};

const mostTestLines = 40;

/** Returns the title, the body and the kind of a call of node:test; null if the node is another call. */
function testOf({ callee, arguments: args }) {
  const name = callee.type === 'MemberExpression' ? callee.property.name : callee.name;
  const isTest = ['test', 'it'].includes(name) && callee.object?.type !== 'Literal';
  const isSuite = ['describe', 'suite'].includes(name);
  const body = args.at(-1);
  if (!(isTest || isSuite) || !/^(?:Arrow)?FunctionExpression$/.test(body?.type)) return null;
  return { title: args[0], body, isTest };
}

/** The rules that a test is short, its steps (`t.test`) aside, and that its title can be searched for. */
const readableTests = {
  create: ({ report }) => {
    const open = [];
    const linesOf = ({ start, end }) => end.line - start.line + 1;
    return {
      CallExpression: (node) => {
        const found = testOf(node);
        if (found === null) return;
        open.push({ node, steps: 0 });
        if (found.title?.type !== 'BinaryExpression') return;
        report({ node: found.title, message: 'Write the title as one literal.' });
      },
      'CallExpression:exit': (node) => {
        if (open.at(-1)?.node !== node) return;
        const { steps } = open.pop();
        const outer = open.at(-1);
        if (outer !== undefined) outer.steps += linesOf(node.loc);
        const { body, isTest } = testOf(node);
        // The first and the last line are not the body's.
        const lines = linesOf(body.loc) - 2 - steps;
        if (!isTest || lines <= mostTestLines) return;
        report({ loc: node.callee.loc, message: `The test has ${lines} lines. At most ${mostTestLines} are allowed.` });
      },
    };
  },
};

const callbackParameters = {
  ...{ map: 1, flatMap: 1, filter: 1, some: 1, every: 1, find: 1, findIndex: 1, findLast: 1, findLastIndex: 1 },
  ...{ forEach: 1, from: 1, reduce: 2, reduceRight: 2, sort: 2, toSorted: 2 },
};

/** Returns the number of parameters of a function type; -1 if the type is none. */
function parametersOf(type) {
  const counts = type.getCallSignatures().map(({ parameters, declaration }) => {
    const hasRest = declaration?.parameters?.at(-1)?.dotDotDotToken !== undefined;
    return hasRest ? Infinity : parameters.length;
  });
  return Math.max(-1, ...counts);
}

/** Returns the number of parameters that a function type cannot do without. */
function leastParametersOf(type) {
  return Math.min(...type.getCallSignatures().map(({ minArgumentCount }) => minArgumentCount));
}

/**
 * The rule that a function with optional parameters is not handed over where its caller may fill them: array methods
 * pass the index. The rule also holds where a type with fewer parameters hides the optional ones.
 */
const noOptionalParameters = {
  create: ({ sourceCode, report }) => {
    const { program, esTreeNodeToTSNodeMap: nodes } = sourceCode.parserServices;
    if (!program) return {};
    const checker = program.getTypeChecker();
    const check = (node, wanted) => {
      const type = checker.getTypeAtLocation(nodes.get(node));
      if (parametersOf(type) <= wanted || leastParametersOf(type) > wanted) return;
      report({ node, message: 'The function has more parameters, which its caller may fill. Write (x) => f(x).' });
    };
    const isReference = ({ type }) => ['Identifier', 'MemberExpression', 'CallExpression'].includes(type);
    const checkHidden = (node) => {
      if (node === null || node === undefined || !isReference(node)) return;
      const wanted = checker.getContextualType(nodes.get(node));
      if (wanted !== undefined && parametersOf(wanted) >= 1) check(node, parametersOf(wanted));
    };
    return {
      CallExpression: ({ callee, arguments: args }) => {
        const name = callee.type === 'MemberExpression' ? callee.property.name : undefined;
        const wanted = Object.hasOwn(callbackParameters, name) ? callbackParameters[name] : undefined;
        const callback = args[name === 'from' ? 1 : 0];
        if (wanted !== undefined && callback !== undefined && isReference(callback)) check(callback, wanted);
      },
      ReturnStatement: ({ argument }) => checkHidden(argument),
      ArrowFunctionExpression: ({ body }) => checkHidden(body),
      VariableDeclarator: ({ id, init }) => id.typeAnnotation && checkHidden(init),
      Property: ({ value }) => checkHidden(value),
    };
  },
};

/** A comment begins with what it is about. These openings leave the noun out. */
const openings = JSON.parse(readFileSync(new URL('.oxlintrc.json', import.meta.url), 'utf8')).rules[
  'no-warning-comments'
][1];

const namedExports = { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' };

/** Our own rules, and what is about files in JavaScript. Rules of TypeScript are those of oxlint, in .oxlintrc.json. */
export default tseslint.config(
  { ignores: ['dist/', 'fleet-health-demo/', 'fleet-health-simulation/', 'node_modules/', 'test/testdata/'] },
  {
    plugins: {
      comments: { rules: { 'verb-first': verbFirst } },
      sizes: { rules: { 'few-methods': fewMethods } },
      names: { rules: { 'no-catch-all': noCatchAll } },
    },
    rules: {
      'comments/verb-first': 'error',
      // A line without a blank cannot be broken; one of markup would have more blanks.
      'max-len': [
        'error',
        {
          code: 120,
          ignoreUrls: true,
          ignoreRegExpLiterals: true,
          ignoreTemplateLiterals: true,
          ignorePattern: String.raw`^\s*\S+$`,
        },
      ],
    },
  },
  {
    files: ['**/*.ts', '**/*.cts'],
    languageOptions: { parser: tseslint.parser },
    rules: {
      'names/no-catch-all': 'error',
      'no-useless-assignment': 'error',
      'no-restricted-syntax': ['error', namedExports],
    },
  },
  {
    // A list that a stranger fills overflows the stack: src/platform/group-by.ts.
    files: ['src/**/*.ts'],
    ignores: ['src/{report,simulator,agent-program}/**', 'src/look/page/browser/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        namedExports,
        {
          selector: "CallExpression[callee.object.name='Math'] > SpreadElement",
          message: 'A long list overflows the stack: greatest or least of group-by.ts.',
        },
        {
          selector: 'CallExpression[callee.property.name=/^(push|unshift|splice)$/] > SpreadElement',
          message: 'A long list overflows the stack: append of group-by.ts, or a new list.',
        },
      ],
    },
  },
  {
    files: ['{src,agent,build,bench}/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { callbacks: { rules: { 'no-optional-parameters': noOptionalParameters } } },
    rules: { 'callbacks/no-optional-parameters': 'error', 'sizes/few-methods': 'error' },
  },
  {
    files: ['test/**/*.ts'],
    plugins: { tests: { rules: { readable: readableTests } } },
    rules: { 'tests/readable': 'error' },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    extends: [js.configs.recommended],
    rules: { 'no-warning-comments': ['error', openings] },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        setTimeout: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
      },
    },
  },
  {
    // Programs for a client's node, which may be too old for anything newer.
    files: ['src/transport/loader/*.cjs'],
    languageOptions: {
      ecmaVersion: 5,
      sourceType: 'commonjs',
      globals: {
        process: 'readonly',
        console: 'readonly',
        setTimeout: 'readonly',
        Buffer: 'readonly',
        globalThis: 'readonly',
      },
    },
    rules: { 'no-unused-vars': ['error', { caughtErrors: 'none' }] },
  },
  {
    files: ['test/calendar/support/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: { process: 'readonly' } },
  },
);
