"""What a method is: the interface, the plugins that offer methods, their parameters and code."""
