/** Numbers and names as people read them. */

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 4 });

export const wholeNumber = (number) => whole.format(number);
export const number4 = (number) => short.format(number);
export const percent = (share) =>
  `${short.format(Number((100 * share).toPrecision(share < 0.01 ? 2 : 3)))} %`;
export const counted = (count, one, many = `${one}s`) =>
  `${whole.format(count)} ${count === 1 ? one : many}`;

/** `12,345 px, 3.2 mm²` of an area. */
export function area(px, mm2) {
  return mm2 === null ? `${wholeNumber(px)} px` : `${number4(mm2)} mm²`;
}

/** What numbers an object in the picture and in the table: within its class where there are some. */
export function numberOf(object, classes) {
  return classes.length === 1 ? `${object.number}` : `${object.class_index}.${object.number}`;
}

/** An element with text or children, and no markup that the text could carry in. */
export function make(tag, properties = {}, ...children) {
  const { dataset = {}, attributes = {}, ...plain } = properties;
  const element = Object.assign(document.createElement(tag), plain);
  Object.assign(element.dataset, dataset);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const at = (id) => document.getElementById(id);
