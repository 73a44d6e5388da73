// Draws D2 text from stdin as one SVG for light and dark pages on stdout. D2 measures text with the font that it embeds.
import { readFileSync } from 'node:fs';
import { D2 } from '@terrastruct/d2';

const fail = (message) => { console.error(message); process.exit(1); };
const d2 = new D2();
const { diagram, renderOptions } = await d2.compile(readFileSync(0, 'utf8')).catch((error) => fail(error.message));
const narrow = diagram.shapes.find((shape) => shape.labelWidth > shape.width);
if (narrow) fail(`${narrow.id}: its text needs ${narrow.labelWidth} pixels and has ${narrow.width}`);
process.stdout.write(await d2.render(diagram, { ...renderOptions, noXMLTag: true }), () => process.exit());
