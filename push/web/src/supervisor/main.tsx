import { render } from "preact";
import { openSession } from "../api/session";
import { startTexts } from "../i18n";
import "../ui/all";
import { App } from "./App";

openSession();
await startTexts();
render(<App />, document.getElementById("app")!);
