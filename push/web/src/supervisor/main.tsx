import { render } from "preact";
import "../ui/tokens.css";

render(<h1>Supervisor · Switchroom</h1>, document.getElementById("app")!);
