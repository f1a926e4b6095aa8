require('dns').lookup(process.argv[2], { all: true }, (error, addresses) => {
  if (error) throw error;
  for (const { address } of addresses) console.log(address);
});
