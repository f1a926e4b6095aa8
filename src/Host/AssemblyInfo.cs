// Calls to the system take pointers and numbers only, so that they need no marshalling code made when the program starts.
[assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]
