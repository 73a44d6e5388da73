// Draws D2 text from stdin as one SVG for light and dark pages. D2 measures text with the font that it embeds, so the
// answer on stdout, as JSON, also says how much room the text of each box needs and has.
import { readFileSync } from 'node:fs';
import { D2 } from '@terrastruct/d2';

const fail = (message) => { console.error(message); process.exit(1); };
const d2 = new D2();
const { diagram, renderOptions } = await d2.compile(readFileSync(0, 'utf8')).catch((error) => fail(error.message));
const boxes = diagram.shapes.map(({ id, labelWidth, width }) => ({ id, labelWidth, width }));
const svg = await d2.render(diagram, { ...renderOptions, noXMLTag: true });
process.stdout.write(JSON.stringify({ svg, boxes }), () => process.exit());
