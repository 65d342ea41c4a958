/** A small strict reader of XML without a document type: what is not well-formed is thrown at. For tests alone. */

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Text of this element alone. */
  readonly text: string;
}

interface OpenElement extends XmlElement {
  readonly children: XmlElement[];
  text: string;
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const TOKEN = /<\?[^]*?\?>|<\/([\w:.-]+)\s*>|<([\w:.-]+)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y;

/** The root element of a document. */
export function readXml(document: string): XmlElement {
  const root: OpenElement = { name: '', attributes: {}, children: [], text: '' };
  const stack: OpenElement[] = [root];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < document.length) {
    const { lastIndex } = TOKEN;
    const match = TOKEN.exec(document);
    if (match === null)
      throw new Error(`no XML at ${lastIndex}: ${document.slice(lastIndex, lastIndex + 60)}`);
    const [, closed, opened, attributes = '', empty, text] = match;
    const top = stack[stack.length - 1] as OpenElement;
    if (text !== undefined) top.text += unescape(text);
    else if (closed !== undefined) {
      if (stack.length === 1 || top.name !== closed) throw new Error(`</${closed}> closes <${top.name}>`);
      stack.pop();
    } else if (opened !== undefined) {
      const element: OpenElement = {
        name: opened,
        attributes: readAttributes(attributes),
        children: [],
        text: '',
      };
      top.children.push(element);
      if (empty === '') stack.push(element);
    }
  }
  const [only, ...more] = root.children;
  if (stack.length !== 1 || only === undefined || more.length > 0 || root.text.trim() !== '')
    throw new Error('not one whole element');
  return only;
}

function readAttributes(text: string): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/([\w:.-]+)="([^"]*)"/g)) {
    if (name in attributes) throw new Error(`${name} stands twice`);
    attributes[name] = unescape(value);
  }
  return attributes;
}

function unescape(text: string): string {
  return text.replace(/&([^;]*);?/g, (whole, name: string) => {
    const value = NAMED[name];
    if (value === undefined || !whole.endsWith(';')) throw new Error(`${whole} is no entity`);
    return value;
  });
}
