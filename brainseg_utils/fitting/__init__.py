"""From a configuration to a trained network: built, fed, fitted, settled."""
