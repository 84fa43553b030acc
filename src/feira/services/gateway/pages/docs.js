"use strict";
// Renders /openapi.json. Everything is put into the page as text, never as HTML.

const DEPTH_MAX = 6;

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function resolve(api, schema) {
  if (!schema || !schema.$ref) return schema || {};
  const steps = schema.$ref.slice(2).split("/");
  return steps.reduce((value, step) => (value || {})[step.replace(/~1/g, "/").replace(/~0/g, "~")], api) || {};
}

function nameOf(schema) {
  return schema && schema.$ref ? schema.$ref.split("/").pop() : "";
}

/** A schema as a line of words: `integer, 1 to 1000`. */
function typeOf(api, schema) {
  const found = resolve(api, schema);
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.enum) return found.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = found.anyOf || found.oneOf;
  if (choices) return choices.map((choice) => nameOf(choice) || typeOf(api, choice)).join(" | ");
  if (found.type === "array") return `[${nameOf(found.items) || typeOf(api, found.items)}]`;
  const words = [Array.isArray(found.type) ? found.type.join(" | ") : found.type || "any"];
  if (found.format) words.push(found.format);
  const low = found.minimum ?? found.minLength ?? found.minItems;
  const high = found.maximum ?? found.maxLength ?? found.maxItems;
  if (low !== undefined && high !== undefined) words.push(`${low} to ${high}`);
  else if (low !== undefined) words.push(`from ${low}`);
  else if (high !== undefined) words.push(`up to ${high}`);
  if (found.default !== undefined && found.default !== null) words.push(`default ${JSON.stringify(found.default)}`);
  return words.join(", ");
}

/** The shape of a body, a field a line. */
function shapeOf(api, schema, depth = 0) {
  const found = resolve(api, schema);
  const pad = "  ".repeat(depth);
  if (depth > DEPTH_MAX) return "…";
  if (found.type === "array" && found.items) return `[${shapeOf(api, found.items, depth)}]`;
  const choices = found.anyOf || found.oneOf;
  if (choices) return choices.map((choice) => shapeOf(api, choice, depth)).join(" | ");
  if (!found.properties) return typeOf(api, found);
  const required = new Set(found.required || []);
  const lines = Object.entries(found.properties).map(([name, field]) => {
    const optional = required.has(name) ? "" : "?";
    return `${pad}  ${name}${optional}: ${shapeOf(api, field, depth + 1)}`;
  });
  return `{\n${lines.join("\n")}\n${pad}}`;
}

function parametersOf(api, operation) {
  const parameters = (operation.parameters || []).map((parameter) => resolve(api, parameter));
  if (!parameters.length) return null;
  const rows = parameters.map((parameter) =>
    element("tr", {},
      element("td", {}, element("code", {}, parameter.name)),
      element("td", {}, `${parameter.in}${parameter.required ? ", required" : ""}`),
      element("td", {}, typeOf(api, parameter.schema)),
      element("td", {}, parameter.description || (parameter.schema || {}).description || "")));
  return element("section", {}, element("h3", {}, "Parameters"), element("table", {}, ...rows));
}

function contentOf(api, content) {
  return Object.entries(content || {}).map(([media, { schema }]) =>
    element("div", {}, element("small", {}, [media, nameOf(schema)].filter(Boolean).join(" · ")),
      element("pre", {}, shapeOf(api, schema))));
}

function bodyOf(api, operation) {
  if (!operation.requestBody) return null;
  const body = resolve(api, operation.requestBody);
  return element("section", {}, element("h3", {}, "Body"), ...contentOf(api, body.content));
}

function responsesOf(api, operation) {
  const answers = Object.entries(operation.responses || {}).map(([status, given]) => {
    const answer = resolve(api, given);
    return element("div", {}, element("strong", {}, status), ` ${answer.description || ""}`,
      ...contentOf(api, answer.content));
  });
  return element("section", {}, element("h3", {}, "Answers"), ...answers);
}

function callOf(api, path, method, operation) {
  const signedIn = (operation.security || []).length > 0;
  const call = element("details", { id: `${method}-${path}` });
  call.append(element("summary", {},
    element("span", { class: `method ${method}` }, method.toUpperCase()),
    element("span", { class: "path" }, path),
    element("span", { class: "summary" }, operation.summary || ""),
    signedIn ? element("span", { class: "lock", title: "needs a bearer token" }, "signed in") : null));
  call.dataset.words = `${method} ${path} ${operation.summary || ""}`.toLowerCase();
  call.addEventListener("toggle", () => {
    if (!call.open || call.querySelector(":scope > div")) return;
    call.append(element("div", {},
      operation.description ? element("p", {}, operation.description) : null,
      parametersOf(api, operation), bodyOf(api, operation), responsesOf(api, operation)));
  });
  return call;
}

function groupsOf(api) {
  const groups = new Map();
  for (const [path, operations] of Object.entries(api.paths).sort()) {
    for (const [method, operation] of Object.entries(operations)) {
      const tag = (operation.tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(callOf(api, path, method, operation));
    }
  }
  return groups;
}

function render(api) {
  const sections = [...groupsOf(api)].sort(([one], [other]) => one.localeCompare(other))
    .map(([tag, calls]) => element("section", {}, element("h2", {}, tag), ...calls));
  document.getElementById("calls").replaceChildren(...sections);
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) target.open = true;
}

function filter(words) {
  for (const section of document.querySelectorAll("#calls > section")) {
    const calls = [...section.querySelectorAll("details")];
    for (const call of calls) call.hidden = !words.every((word) => call.dataset.words.includes(word));
    section.hidden = calls.every((call) => call.hidden);
  }
}

document.getElementById("filter").addEventListener("input", (event) =>
  filter(event.target.value.toLowerCase().split(/\s+/).filter(Boolean)));

fetch("/openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.status))))
  .then(render)
  .catch((error) => { document.getElementById("state").textContent = `The document could not be read: ${error.message}`; });
