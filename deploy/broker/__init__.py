"""An MQTT broker for demos and tests: mosquitto where it is installed, else one in Python."""
